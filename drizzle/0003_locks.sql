DROP INDEX "rowmill"."books_owner";--> statement-breakpoint
DROP INDEX "rowmill"."records_owner";--> statement-breakpoint
CREATE INDEX "books_owner" ON "rowmill"."books" USING btree ("user_id","id") WHERE id > 0;--> statement-breakpoint
CREATE INDEX "records_owner" ON "rowmill"."records" USING btree ("user_id","id") WHERE id > 0;