ALTER TABLE "rowmill"."batches" ADD COLUMN "busy_ms" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "busy_until" timestamp with time zone;