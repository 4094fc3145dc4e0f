ALTER TYPE "rowmill"."batch_mode" ADD VALUE 'update';--> statement-breakpoint
CREATE TABLE "rowmill"."row_values" (
	"batch_id" uuid NOT NULL,
	"position" smallint NOT NULL,
	"hash" uuid NOT NULL,
	"row_number" integer NOT NULL,
	CONSTRAINT "row_values_batch_id_position_hash_pk" PRIMARY KEY("batch_id","position","hash")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."http_lanes" (
	"user_id" bigint NOT NULL,
	"host" text NOT NULL,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL,
	"held_until" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "http_lanes_user_id_host_pk" PRIMARY KEY("user_id","host")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."http_slots" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"user_id" bigint NOT NULL,
	"host" text NOT NULL,
	"priority" smallint NOT NULL,
	"number" bigint NOT NULL,
	"concurrent" integer NOT NULL,
	"started_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."secrets" (
	"name" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"encrypted" "bytea" NOT NULL,
	"hosts" text[] NOT NULL,
	"is_shared" boolean NOT NULL,
	"set_by" bigint,
	"set_by_name" text,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."endpoint_slots" (
	"target" text NOT NULL,
	"slot" smallint NOT NULL,
	CONSTRAINT "endpoint_slots_target_slot_pk" PRIMARY KEY("target","slot")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."endpoint_waits" (
	"target" text NOT NULL,
	"batch_id" uuid NOT NULL,
	"since" timestamp with time zone NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	CONSTRAINT "endpoint_waits_target_batch_id_pk" PRIMARY KEY("target","batch_id")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."target_definitions" (
	"name" text PRIMARY KEY NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	"paced_until" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."target_versions" (
	"name" text NOT NULL,
	"version" integer NOT NULL,
	"definition" json NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" bigint,
	CONSTRAINT "target_versions_name_version_pk" PRIMARY KEY("name","version")
);
--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "target_version" integer;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "target_traits" json;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "locale" json;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "failed_requests" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."row_results" ADD COLUMN "record_key" text;--> statement-breakpoint
ALTER TABLE "rowmill"."row_results" ADD COLUMN "record_version" bigint;--> statement-breakpoint
ALTER TABLE "rowmill"."http_lanes" ADD CONSTRAINT "http_lanes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."target_versions" ADD CONSTRAINT "target_versions_name_target_definitions_name_fk" FOREIGN KEY ("name") REFERENCES "rowmill"."target_definitions"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."target_versions" ADD CONSTRAINT "target_versions_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "rowmill"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "http_slots_waiting" ON "rowmill"."http_slots" USING btree ("user_id","host","priority" DESC NULLS FIRST,"number") WHERE started_at IS NULL;--> statement-breakpoint
CREATE INDEX "http_slots_started" ON "rowmill"."http_slots" USING btree ("user_id","host") WHERE started_at IS NOT NULL;