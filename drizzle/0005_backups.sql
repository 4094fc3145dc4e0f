CREATE TYPE "rowmill"."backup_state" AS ENUM('queued', 'running', 'completed', 'failed');--> statement-breakpoint
ALTER TYPE "rowmill"."file_origin" ADD VALUE 'backup';--> statement-breakpoint
CREATE TABLE "rowmill"."backups" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" bigint,
	"state" "rowmill"."backup_state" DEFAULT 'queued' NOT NULL,
	"host" text,
	"path" text,
	"file_id" uuid,
	"bytes" bigint,
	"sha256" "bytea",
	"rows" json,
	"error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "backups_finished_when_ended" CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'failed'))),
	CONSTRAINT "backups_error_when_failed" CHECK ((error IS NOT NULL) = (state = 'failed'))
);
--> statement-breakpoint
ALTER TABLE "rowmill"."backups" ADD CONSTRAINT "backups_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."backups" ADD CONSTRAINT "backups_file_id_files_id_fk" FOREIGN KEY ("file_id") REFERENCES "rowmill"."files"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "backups_active" ON "rowmill"."backups" USING btree (("finished_at" IS NULL)) WHERE "rowmill"."backups"."finished_at" IS NULL;