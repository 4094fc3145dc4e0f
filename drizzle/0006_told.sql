ALTER TABLE "rowmill"."notifications" DROP CONSTRAINT "notifications_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "params" json;--> statement-breakpoint
ALTER TABLE "rowmill"."notifications" ADD COLUMN "is_mailed" boolean NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."notifications" ADD COLUMN "is_pending" boolean NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."notifications" ADD COLUMN "is_last_of_hour" boolean NOT NULL;--> statement-breakpoint
CREATE INDEX "notifications_of_hour" ON "rowmill"."notifications" USING btree ("user_id","kind","created_at") WHERE "rowmill"."notifications"."is_in_app" OR "rowmill"."notifications"."is_mailed";--> statement-breakpoint
CREATE INDEX "notifications_pending" ON "rowmill"."notifications" USING btree ("id") WHERE "rowmill"."notifications"."is_pending";