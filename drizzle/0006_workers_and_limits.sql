ALTER TABLE "rowmill"."workers" ADD COLUMN "stopping_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "stats" json;