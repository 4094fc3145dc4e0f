CREATE UNIQUE INDEX IF NOT EXISTS "tasks_later_job" ON "rowmill"."tasks" USING btree ("job_id") WHERE right(job_id::text, 21) <> right(id::text, 21);--> statement-breakpoint
DROP INDEX "rowmill"."tasks_job";
