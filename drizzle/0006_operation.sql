CREATE TABLE "rowmill"."limit_waits" (
	"job_id" uuid PRIMARY KEY NOT NULL,
	"task_id" uuid NOT NULL,
	"type" text NOT NULL,
	"queue" text NOT NULL,
	"user_id" bigint NOT NULL,
	"priority" smallint NOT NULL,
	"number" bigint NOT NULL,
	"granted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."task_limits" (
	"type" text PRIMARY KEY NOT NULL,
	"per_second" double precision,
	"concurrent" integer,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_user_id" bigint DEFAULT 0 NOT NULL,
	"changed_by" bigint,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "task_limits_any" CHECK ("rowmill"."task_limits"."per_second" IS NOT NULL OR "rowmill"."task_limits"."concurrent" IS NOT NULL),
	CONSTRAINT "task_limits_per_second" CHECK ("rowmill"."task_limits"."per_second" > 0),
	CONSTRAINT "task_limits_concurrent" CHECK ("rowmill"."task_limits"."concurrent" >= 0)
);
--> statement-breakpoint
CREATE TABLE "rowmill"."task_stacks" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"attempt" integer NOT NULL,
	"stack" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "stopping_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."workers" ADD COLUMN "stats" json;--> statement-breakpoint
ALTER TABLE "rowmill"."limit_waits" ADD CONSTRAINT "limit_waits_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "rowmill"."tasks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."task_stacks" ADD CONSTRAINT "task_stacks_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "rowmill"."tasks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "limit_waits_turn" ON "rowmill"."limit_waits" USING btree ("type","user_id","priority" DESC NULLS FIRST,"number") WHERE granted_at IS NULL;--> statement-breakpoint
CREATE INDEX "limit_waits_granted" ON "rowmill"."limit_waits" USING btree ("type") WHERE granted_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "limit_waits_task" ON "rowmill"."limit_waits" USING btree ("task_id");