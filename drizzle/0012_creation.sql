DROP INDEX "rowmill"."tasks_later_job";--> statement-breakpoint
DROP INDEX "rowmill"."tasks_open";