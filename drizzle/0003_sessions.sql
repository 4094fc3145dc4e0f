CREATE TABLE "rowmill"."sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"address" text DEFAULT '' NOT NULL,
	"user_agent" text DEFAULT '' NOT NULL
);
--> statement-breakpoint
ALTER TABLE "rowmill"."users" ADD COLUMN "disabled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "sessions_of_user" ON "rowmill"."sessions" USING btree ("user_id","id") WHERE "rowmill"."sessions"."ended_at" IS NULL;--> statement-breakpoint
CREATE INDEX "sessions_expiry" ON "rowmill"."sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "refresh_tokens_of_user" ON "rowmill"."refresh_tokens" USING btree ("user_id") WHERE "rowmill"."refresh_tokens"."revoked_at" IS NULL;