import pg from "pg";
import { expect, test } from "vitest";
import { checkCompilation, checkTables } from "../../src/cli/doctor-tables.ts";
import { migrateDatabase } from "../../src/migrate.ts";
import { startRowmill } from "../support/rowmill.ts";

test("doctor names the indexes that a killed migration has not built or has left invalid, until the next one builds them", async () => {
  await using rowmill = await startRowmill();
  const { config, ctx } = rowmill;
  const texts = async () => (await checkTables(ctx.pool)).map(({ text }) => text);
  const built = "The migration has built all indexes.";
  expect(await texts()).toContain(built);
  await ctx.pool.query("DROP INDEX rowmill.tasks_later_job");
  // As an interrupted build leaves it.
  await ctx.pool.query(
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rowmill_queue.job_failed'::regclass",
  );
  expect(await texts()).toContain(
    "Reads of jobs are slow without the indexes tasks_later_job and job_failed. Run: npm run cli -- migrate",
  );
  await migrateDatabase(config, ctx.log);
  expect(await texts()).toContain(built);
});

test("doctor advises to turn off JIT if the server has it and the role uses it", async () => {
  await using rowmill = await startRowmill();
  const { config, ctx } = rowmill;
  const withOptions = (options: string) =>
    new pg.Pool({ connectionString: config.databaseUrl, max: 1, options });
  const off = withOptions("-c jit=off");
  // The embedded server has no JIT, so a function says that it has.
  await ctx.pool.query(
    "CREATE SCHEMA jit; CREATE FUNCTION jit.pg_jit_available() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
  );
  const on = withOptions("-c search_path=jit,pg_catalog");
  expect(await checkCompilation(off)).toEqual([]);
  expect(await checkCompilation(on)).toMatchObject([
    { level: "warning", text: expect.stringMatching(/ALTER ROLE \S+ SET jit = off;$/) },
  ]);
  await Promise.all([off.end(), on.end()]);
});
