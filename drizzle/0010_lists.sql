-- These indexes were built before, while programs could write (platform/postgres/build-indexes.ts).
CREATE INDEX IF NOT EXISTS "audit_log_subject_id" ON "rowmill"."audit_log" USING btree ("subject_id","id");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "audit_log_actor_name" ON "rowmill"."audit_log" USING btree ("actor_name","id");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "audit_log_address" ON "rowmill"."audit_log" USING btree ("address","id") WHERE address IS NOT NULL;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "audit_log_request" ON "rowmill"."audit_log" USING btree ("request_id","id") WHERE request_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "files_listed" ON "rowmill"."files" USING btree ("user_id","id") WHERE origin <> 'picture';--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "mail_suppressions_created" ON "rowmill"."mail_suppressions" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "tasks_owner_type" ON "rowmill"."tasks" USING btree (("user_id" + 0),"type","queue","status",("number" + 0));--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "tasks_type" ON "rowmill"."tasks" USING brin (("type" || '') text_bloom_ops,("queue" || '') text_bloom_ops) WITH (autosummarize=true);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "tasks_tags" ON "rowmill"."tasks" USING gin ("tags") WHERE tags <> '{}';--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "workflows_not_completed" ON "rowmill"."workflows" USING btree ("state","number") WHERE state IN ('failed', 'cancelled');
