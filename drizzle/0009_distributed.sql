-- Nothing here reads or writes rows: indexes that are created IF NOT EXISTS were built before (platform/postgres/build-indexes.ts).
ALTER TABLE "rowmill"."batches" DROP CONSTRAINT "batches_user_id_users_id_fk";--> statement-breakpoint
ALTER TABLE "rowmill"."file_chunks" DROP CONSTRAINT "file_chunks_file_id_files_id_fk";--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "batches_by_number" ON "rowmill"."batches" USING btree ("number");--> statement-breakpoint
DROP INDEX "rowmill"."batches_number";--> statement-breakpoint
CREATE UNIQUE INDEX IF NOT EXISTS "records_source" ON "rowmill"."records" USING btree ("user_id","batch_id","row_number");--> statement-breakpoint
DROP INDEX "rowmill"."records_row", "rowmill"."records_owner", "rowmill"."books_owner";--> statement-breakpoint
CREATE UNIQUE INDEX IF NOT EXISTS "books_user_id_id_pk" ON "rowmill"."books" USING btree ("user_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX IF NOT EXISTS "records_user_id_id_pk" ON "rowmill"."records" USING btree ("user_id","id");--> statement-breakpoint
-- The type stays: this only removes the statistics of the column, and SET STATISTICS 0 lets no new ones come (schema/targets.ts).
ALTER TABLE "rowmill"."books" ALTER COLUMN "user_id" TYPE bigint, ALTER COLUMN "user_id" SET STATISTICS 0;--> statement-breakpoint
ALTER TABLE "rowmill"."records" ALTER COLUMN "user_id" TYPE bigint, ALTER COLUMN "user_id" SET STATISTICS 0;--> statement-breakpoint
ALTER TABLE "rowmill"."books" DROP CONSTRAINT "books_pkey", ADD CONSTRAINT "books_user_id_id_pk" PRIMARY KEY USING INDEX "books_user_id_id_pk";--> statement-breakpoint
ALTER TABLE "rowmill"."records" DROP CONSTRAINT "records_pkey", ADD CONSTRAINT "records_user_id_id_pk" PRIMARY KEY USING INDEX "records_user_id_id_pk";
