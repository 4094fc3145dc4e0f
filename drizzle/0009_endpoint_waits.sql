CREATE TABLE "rowmill"."endpoint_waits" (
	"target" text NOT NULL,
	"batch_id" uuid NOT NULL,
	"since" timestamp with time zone NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	CONSTRAINT "endpoint_waits_target_batch_id_pk" PRIMARY KEY("target","batch_id")
);
