ALTER TABLE "rowmill"."notifications" ADD COLUMN "traceparent" text;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "watched_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "job_events" json;--> statement-breakpoint
ALTER TABLE "rowmill"."workflows" ADD COLUMN "schedule_id" uuid;--> statement-breakpoint
CREATE INDEX "workflows_schedule" ON "rowmill"."workflows" USING btree ("schedule_id") WHERE schedule_id IS NOT NULL AND state = 'running';