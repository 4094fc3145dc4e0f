CREATE TYPE "rowmill"."webhook_delivery_state" AS ENUM('pending', 'delivered', 'failed');--> statement-breakpoint
CREATE TYPE "rowmill"."webhook_disabled_reason" AS ENUM('user', 'gone', 'failing');--> statement-breakpoint
CREATE TABLE "rowmill"."webhook_attempts" (
	"delivery_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"ms" integer,
	"status" integer,
	"error" text,
	"answer" text,
	CONSTRAINT "webhook_attempts_delivery_id_number_pk" PRIMARY KEY("delivery_id","number")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."webhook_deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"webhook_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"body" text NOT NULL,
	"state" "rowmill"."webhook_delivery_state" DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"tries" smallint DEFAULT 0 NOT NULL,
	"run" integer DEFAULT 1 NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	"is_waiting" boolean DEFAULT false NOT NULL,
	"claimed_until" timestamp with time zone,
	"error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "description" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "headers" json NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "secret" text NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "previous_secret" text;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "previous_secret_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "updated_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "disabled_reason" "rowmill"."webhook_disabled_reason";--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "working_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "last_success_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "failures" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "failing_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD COLUMN "is_throttled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."webhook_attempts" ADD CONSTRAINT "webhook_attempts_delivery_id_webhook_deliveries_id_fk" FOREIGN KEY ("delivery_id") REFERENCES "rowmill"."webhook_deliveries"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_id_webhooks_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "rowmill"."webhooks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_deliveries_message" ON "rowmill"."webhook_deliveries" USING btree ("webhook_id","message_id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_list" ON "rowmill"."webhook_deliveries" USING btree ("webhook_id","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_failed" ON "rowmill"."webhook_deliveries" USING btree ("webhook_id","created_at") WHERE "rowmill"."webhook_deliveries"."state" = 'failed';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_open" ON "rowmill"."webhook_deliveries" USING btree ("webhook_id","due_at") WHERE "rowmill"."webhook_deliveries"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "rowmill"."webhook_deliveries" USING btree ("id") WHERE "rowmill"."webhook_deliveries"."state" = 'pending' AND NOT "rowmill"."webhook_deliveries"."is_waiting";--> statement-breakpoint
CREATE INDEX "webhook_deliveries_waiting" ON "rowmill"."webhook_deliveries" USING btree ("webhook_id","due_at") WHERE "rowmill"."webhook_deliveries"."is_waiting";--> statement-breakpoint
CREATE INDEX "webhook_deliveries_claimed" ON "rowmill"."webhook_deliveries" USING btree ("webhook_id") WHERE "rowmill"."webhook_deliveries"."claimed_until" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "webhooks_deleted" ON "rowmill"."webhooks" USING btree ("id") WHERE "rowmill"."webhooks"."deleted_at" IS NOT NULL;