/** A database that does not support the statement for plain rows. A process remembers it, so this file has one test. */
import { expect, test } from "vitest";
import { deliverChunk } from "../../../support/batches.ts";
import { chunksOf, receive } from "../../../support/imports.ts";
import { addTrigger } from "../../../support/triggers.ts";
import { useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill();

const ROWS = 75;
const CSV = `title,author\n${Array.from({ length: ROWS }, (_, index) => `Title ${index},Author\n`).join("")}`;

test("rows are read and succeed if the database does not support the statement, which is tried once", async () => {
  const { pool } = rowmill.ctx;
  await pool.query("CREATE SEQUENCE public.refusals");
  await addTrigger(
    pool,
    "refuse",
    "BEFORE INSERT ON rowmill.row_results",
    `IF current_query() NOT LIKE '%WITH written AS%' THEN RETURN NULL; END IF;
    -- A rollback keeps the number.
    PERFORM nextval('public.refusals');
    RAISE EXCEPTION 'modifying CTEs are not supported' USING ERRCODE = '0A000';`,
  );
  const user = await rowmill.newUser();
  for (const mode of ["append", "upsert"] as const) {
    const batch = await receive(user, CSV, mode);
    const chunks = await chunksOf(rowmill, batch);
    expect(chunks).toHaveLength(3);
    for (const firstRow of chunks) await deliverChunk(rowmill.ctx, batch, firstRow);
    const { body } = await user.batch(batch);
    expect(body).toMatchObject({ state: "completed", counts: { success: ROWS } });
  }
  const { rows } = await pool.query("SELECT last_value::int AS count, is_called FROM public.refusals");
  expect(rows).toEqual([{ count: 1, is_called: true }]);
});
