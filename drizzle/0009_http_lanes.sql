CREATE TABLE "rowmill"."http_lanes" (
	"user_id" bigint NOT NULL,
	"host" text NOT NULL,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL,
	"held_until" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "http_lanes_user_id_host_pk" PRIMARY KEY("user_id","host")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."http_slots" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"user_id" bigint NOT NULL,
	"host" text NOT NULL,
	"priority" smallint NOT NULL,
	"number" bigint NOT NULL,
	"concurrent" integer NOT NULL,
	"started_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "rowmill"."http_lanes" ADD CONSTRAINT "http_lanes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "http_slots_waiting" ON "rowmill"."http_slots" USING btree ("user_id","host","priority" DESC NULLS FIRST,"number") WHERE started_at IS NULL;--> statement-breakpoint
CREATE INDEX "http_slots_started" ON "rowmill"."http_slots" USING btree ("user_id","host") WHERE started_at IS NOT NULL;