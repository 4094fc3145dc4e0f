CREATE TABLE "rowmill"."remembered_mappings" (
	"user_id" bigint NOT NULL,
	"target" text NOT NULL,
	"header_hash" "bytea" NOT NULL,
	"mapping" json NOT NULL,
	"options" json NOT NULL,
	"used_at" timestamp with time zone NOT NULL,
	CONSTRAINT "remembered_mappings_user_id_target_header_hash_pk" PRIMARY KEY("user_id","target","header_hash")
);
--> statement-breakpoint
DROP INDEX "rowmill"."batches_fingerprint";--> statement-breakpoint
ALTER TABLE "rowmill"."remembered_mappings" ADD CONSTRAINT "remembered_mappings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "remembered_mappings_used" ON "rowmill"."remembered_mappings" USING btree ("user_id","used_at");--> statement-breakpoint
CREATE INDEX "batches_fingerprint" ON "rowmill"."batches" USING btree ("user_id","fingerprint") WHERE fingerprint IS NOT NULL;