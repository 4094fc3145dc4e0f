CREATE TABLE "rowmill"."secrets" (
	"name" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"encrypted" "bytea" NOT NULL,
	"hosts" text[] NOT NULL,
	"is_shared" boolean NOT NULL,
	"set_by" bigint,
	"set_by_name" text,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone
);
