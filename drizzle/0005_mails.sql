ALTER TYPE "rowmill"."mail_state" ADD VALUE 'cancelled';--> statement-breakpoint
CREATE TABLE "rowmill"."row_waits" (
	"batch_id" uuid NOT NULL,
	"row_number" integer NOT NULL,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"until" timestamp with time zone NOT NULL,
	CONSTRAINT "row_waits_batch_id_row_number_pk" PRIMARY KEY("batch_id","row_number")
);
--> statement-breakpoint
ALTER TABLE "rowmill"."users" ADD COLUMN "confirmed_email" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."chunks" ADD COLUMN "waiting" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."mails" ADD COLUMN "queued_at" timestamp with time zone DEFAULT now() NOT NULL;