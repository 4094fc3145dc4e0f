CREATE TYPE "rowmill"."mail_state" AS ENUM('queued', 'sending', 'sent', 'failed', 'uncertain', 'suppressed');--> statement-breakpoint
CREATE TABLE "rowmill"."mails" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key" text,
	"kind" text NOT NULL,
	"user_id" bigint,
	"address" text NOT NULL,
	"name" text NOT NULL,
	"data" json NOT NULL,
	"state" "rowmill"."mail_state" DEFAULT 'queued' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	"reply" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."admin_alerts" (
	"key" text PRIMARY KEY NOT NULL,
	"alerted_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rowmill"."notification_preferences" (
	"user_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"in_app" boolean,
	"email" boolean,
	"webhook" boolean,
	CONSTRAINT "notification_preferences_user_id_kind_pk" PRIMARY KEY("user_id","kind")
);
--> statement-breakpoint
CREATE TABLE "rowmill"."notifications" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"subject_id" text NOT NULL,
	"sequence" integer NOT NULL,
	"data" json NOT NULL,
	"is_in_app" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"read_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."webhooks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"url" text NOT NULL,
	"events" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "rowmill"."mails" ADD CONSTRAINT "mails_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."notification_preferences" ADD CONSTRAINT "notification_preferences_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."notifications" ADD CONSTRAINT "notifications_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rowmill"."webhooks" ADD CONSTRAINT "webhooks_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "mails_key" ON "rowmill"."mails" USING btree ("key") WHERE "rowmill"."mails"."key" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "mails_due" ON "rowmill"."mails" USING btree ("due_at") WHERE "rowmill"."mails"."state" IN ('queued', 'sending');--> statement-breakpoint
CREATE INDEX "mails_created" ON "rowmill"."mails" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "notifications_of_user" ON "rowmill"."notifications" USING btree ("user_id","id") WHERE "rowmill"."notifications"."is_in_app";--> statement-breakpoint
CREATE INDEX "notifications_unread" ON "rowmill"."notifications" USING btree ("user_id","id") WHERE "rowmill"."notifications"."is_in_app" AND "rowmill"."notifications"."read_at" IS NULL;--> statement-breakpoint
CREATE INDEX "notifications_created" ON "rowmill"."notifications" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "webhooks_of_user" ON "rowmill"."webhooks" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "webhooks_enabled" ON "rowmill"."webhooks" USING btree ("user_id") WHERE "rowmill"."webhooks"."disabled_at" IS NULL;