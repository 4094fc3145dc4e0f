ALTER TABLE "rowmill"."tasks" DROP CONSTRAINT "tasks_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "rowmill"."tasks" ADD COLUMN "created_by" bigint;