ALTER TABLE "rowmill"."notifications" ADD COLUMN "traceparent" text;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "watched_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "job_events" json;