CREATE TABLE "rowmill"."chunk_causes" (
	"batch_id" uuid NOT NULL,
	"first_row" integer NOT NULL,
	"last_row" integer NOT NULL,
	"attempt" smallint NOT NULL,
	"failed" integer NOT NULL,
	"chunk_updated_at" timestamp with time zone NOT NULL,
	"causes" json NOT NULL,
	CONSTRAINT "chunk_causes_batch_id_first_row_pk" PRIMARY KEY("batch_id","first_row")
);
