CREATE TABLE "rowmill"."login_counters" (
	"key" text PRIMARY KEY NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"running" integer DEFAULT 0 NOT NULL,
	"running_until" timestamp with time zone,
	"blocked_until" timestamp with time zone,
	"forget_at" timestamp with time zone DEFAULT now() NOT NULL,
	"known_until" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "rowmill"."sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"address" text DEFAULT '' NOT NULL,
	"user_agent" text DEFAULT '' NOT NULL
);
--> statement-breakpoint
DROP INDEX "rowmill"."books_owner";--> statement-breakpoint
DROP INDEX "rowmill"."records_owner";--> statement-breakpoint
ALTER TABLE "rowmill"."users" ADD COLUMN "disabled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "file_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "busy_ms" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rowmill"."batches" ADD COLUMN "busy_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rowmill"."chunks" ADD COLUMN "bytes" bigint;--> statement-breakpoint
ALTER TABLE "rowmill"."sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "rowmill"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "sessions_of_user" ON "rowmill"."sessions" USING btree ("user_id","id") WHERE "rowmill"."sessions"."ended_at" IS NULL;--> statement-breakpoint
CREATE INDEX "sessions_expiry" ON "rowmill"."sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "refresh_tokens_of_user" ON "rowmill"."refresh_tokens" USING btree ("user_id") WHERE "rowmill"."refresh_tokens"."revoked_at" IS NULL;--> statement-breakpoint
CREATE INDEX "books_owner" ON "rowmill"."books" USING btree ("user_id","id") WHERE id > 0;--> statement-breakpoint
CREATE INDEX "records_owner" ON "rowmill"."records" USING btree ("user_id","id") WHERE id > 0;--> statement-breakpoint
-- Composes titles and authors (NFC), whose key is then the same however their letters were typed. A book whose key
-- another book holds becomes a copy, which has no key.
WITH composed AS MATERIALIZED (
  SELECT id, user_id, normalize(title) AS title, normalize(author) AS author,
    md5(lower(normalize(title)) || chr(31) || lower(normalize(author)))::uuid AS key
  FROM rowmill.books
  WHERE getdatabaseencoding() = 'UTF8' AND (title IS NOT NORMALIZED OR author IS NOT NORMALIZED)
), ranked AS (
  SELECT composed.*, row_number() OVER (PARTITION BY composed.user_id, composed.key ORDER BY is_copy, id) AS nth
  FROM composed JOIN rowmill.books USING (id)
)
UPDATE rowmill.books SET title = ranked.title, author = ranked.author,
  is_copy = is_copy OR nth > 1 OR EXISTS (
    SELECT FROM rowmill.books AS holder WHERE holder.user_id = ranked.user_id AND holder.key = ranked.key
  )
FROM ranked WHERE books.id = ranked.id;
