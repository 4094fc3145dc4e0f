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
ALTER TABLE "rowmill"."batches" ADD COLUMN "failed_requests" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."target_definitions" ADD COLUMN "paced_until" timestamp with time zone;