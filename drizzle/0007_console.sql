CREATE TABLE "rowmill"."queue_statistics" (
	"minute" timestamp with time zone NOT NULL,
	"queue" text NOT NULL,
	"waiting" integer NOT NULL,
	"scheduled" integer NOT NULL,
	"active" integer NOT NULL,
	"oldest_waiting_seconds" integer,
	CONSTRAINT "queue_statistics_minute_queue_pk" PRIMARY KEY("minute","queue")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."statistics" (
	"minute" timestamp with time zone PRIMARY KEY NOT NULL,
	"rows_succeeded" bigint DEFAULT 0 NOT NULL,
	"rows_failed" bigint DEFAULT 0 NOT NULL,
	"tasks_completed" bigint DEFAULT 0 NOT NULL,
	"tasks_failed" bigint DEFAULT 0 NOT NULL,
	"tasks_retried" bigint DEFAULT 0 NOT NULL,
	"workers_alive" integer NOT NULL,
	"workers_busy" integer NOT NULL,
	"database_bytes" bigint
);
--> statement-breakpoint
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
ALTER TABLE "rowmill"."paused_queues" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "counted" json;--> statement-breakpoint
ALTER TABLE "rowmill"."queue_statistics" ADD CONSTRAINT "queue_statistics_minute_statistics_minute_fk" FOREIGN KEY ("minute") REFERENCES "rowmill"."statistics"("minute") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."remembered_mappings" ADD CONSTRAINT "remembered_mappings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "remembered_mappings_used" ON "rowmill"."remembered_mappings" USING btree ("user_id","used_at");--> statement-breakpoint
CREATE INDEX "tasks_ended" ON "rowmill"."tasks" USING btree (coalesce("completed_at", "cancelled_at")) WHERE coalesce(completed_at, cancelled_at) IS NOT NULL;--> statement-breakpoint
CREATE INDEX "batches_fingerprint" ON "rowmill"."batches" USING btree ("user_id","fingerprint") WHERE fingerprint IS NOT NULL;