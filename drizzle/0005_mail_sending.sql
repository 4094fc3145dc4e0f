CREATE TYPE "rowmill"."suppression_scope" AS ENUM('all', 'bulk_message');--> statement-breakpoint
CREATE TABLE "rowmill"."password_resets" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rowmill"."mail_holds" (
	"domain" text PRIMARY KEY NOT NULL,
	"failures" integer NOT NULL,
	"held_until" timestamp with time zone NOT NULL,
	"reply" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rowmill"."mail_pace" (
	"id" integer PRIMARY KEY NOT NULL,
	"next_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rowmill"."mail_suppressions" (
	"address" text NOT NULL,
	"scope" "rowmill"."suppression_scope" NOT NULL,
	"reply" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mail_suppressions_address_scope_pk" PRIMARY KEY("address","scope")
);
--> statement-breakpoint
ALTER TABLE "rowmill"."mails" ADD COLUMN "has_job" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."password_resets" ADD CONSTRAINT "password_resets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "password_resets_token" ON "rowmill"."password_resets" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "users_email" ON "rowmill"."users" USING btree (lower("email")) WHERE "rowmill"."users"."email" <> '';--> statement-breakpoint
CREATE INDEX "mails_state" ON "rowmill"."mails" USING btree ("state","id");--> statement-breakpoint
CREATE INDEX "mails_kind" ON "rowmill"."mails" USING btree ("kind","id");--> statement-breakpoint
CREATE INDEX "mails_address" ON "rowmill"."mails" USING btree (lower("address"),"id");--> statement-breakpoint
CREATE INDEX "mails_of_user" ON "rowmill"."mails" USING btree ("user_id") WHERE "rowmill"."mails"."user_id" IS NOT NULL;