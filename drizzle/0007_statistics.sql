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
ALTER TABLE "rowmill"."paused_queues" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "counted" json;--> statement-breakpoint
ALTER TABLE "rowmill"."queue_statistics" ADD CONSTRAINT "queue_statistics_minute_statistics_minute_fk" FOREIGN KEY ("minute") REFERENCES "rowmill"."statistics"("minute") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "tasks_ended" ON "rowmill"."tasks" USING btree (coalesce("completed_at", "cancelled_at")) WHERE coalesce(completed_at, cancelled_at) IS NOT NULL;