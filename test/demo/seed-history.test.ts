import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { inTransaction } from "../../src/context.ts";
import { seedStatistics } from "../../src/demo/seed-history.ts";
import { count } from "../support/count.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

test("the statistics of a week ask for the size of the database once", async () => {
  const { ctx } = rowmill;
  // Found before the catalog in this transaction.
  await ctx.pool.query(`
    CREATE SCHEMA counted;
    CREATE SEQUENCE counted.calls;
    CREATE FUNCTION counted.pg_database_size(name) RETURNS bigint LANGUAGE sql
      AS $$ SELECT 20000000 + 0 * pg_catalog.nextval('counted.calls') $$`);
  await inTransaction(ctx, async (tx) => {
    await tx.db.execute(sql`SET LOCAL search_path = counted, pg_catalog`);
    await seedStatistics({ ...ctx, db: tx.db });
  });
  expect(await count(ctx.pool, "SELECT count(*) FROM rowmill.statistics")).toBeGreaterThan(9000);
  expect(await count(ctx.pool, "SELECT last_value AS count FROM counted.calls")).toBe(1);
});
