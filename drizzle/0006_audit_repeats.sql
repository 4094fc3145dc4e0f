CREATE TABLE "rowmill"."audit_repeats" (
	"key" text PRIMARY KEY NOT NULL,
	"count" integer DEFAULT 1 NOT NULL,
	"recorded" integer NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"actor_id" bigint,
	"actor_name" text,
	"actor_role" text,
	"action" text NOT NULL,
	"subject_type" text NOT NULL,
	"subject_id" text,
	"owner_id" bigint
);
--> statement-breakpoint
CREATE INDEX "audit_repeats_started" ON "rowmill"."audit_repeats" USING btree ("started_at");