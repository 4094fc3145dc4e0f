CREATE TABLE "rowmill"."login_counters" (
	"key" text PRIMARY KEY NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"running" integer DEFAULT 0 NOT NULL,
	"running_until" timestamp with time zone,
	"blocked_until" timestamp with time zone,
	"forget_at" timestamp with time zone DEFAULT now() NOT NULL,
	"known_until" timestamp with time zone
);
