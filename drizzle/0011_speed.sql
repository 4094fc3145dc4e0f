ALTER TABLE "rowmill"."tasks" DROP CONSTRAINT "tasks_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "rowmill"."tasks" ADD COLUMN "created_by" bigint;--> statement-breakpoint
DROP INDEX "rowmill"."tasks_job";--> statement-breakpoint
DROP INDEX "rowmill"."tasks_open";--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "workflows_listed" ON "rowmill"."workflows" USING btree (("user_id" + 0),"kind","state",("number" + 0));
