/** The causes that are kept per chunk and per batch. test/batches/history.test.ts compares their groups with those of the rows. */
import { describe, expect, test } from "vitest";
import type { ErrorGroupsView } from "../../../src/batches/results/views.ts";
import { removeLostCauses } from "../../../src/batches/upkeep/remove-lost-causes.ts";
import { asOlderProgram, deliverTurns } from "../../support/batch-history.ts";
import { deliverChunk, deliverWhole } from "../../support/batches.ts";
import { type Groups, groupsOfAnswer, groupsOfRows } from "../../support/cause-groups.ts";
import type { Client } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { countRowsRead, recordReads } from "../../support/explained-reads.ts";
import { chunksOf, importFile, receive } from "../../support/imports.ts";
import { testOnOneServer } from "../../support/one-server.ts";
import { STATISTICS } from "../../support/plans.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

async function groupsOfChunks(user: Client, batch: string): Promise<Groups> {
  const { status, body } = await user.get<ErrorGroupsView>(`/api/v1/batches/${batch}/errors`);
  expect(status).toBe(200);
  return groupsOfAnswer(body);
}

/** The chunks whose causes count. */
const countKept = (batch: string) =>
  count(
    rowmill.ctx.pool,
    `SELECT count(*) FROM rowmill.chunks JOIN rowmill.chunk_causes AS stored USING (batch_id, first_row, last_row, attempt, failed)
     WHERE batch_id = $1 AND chunk_updated_at = updated_at`,
    [batch],
  );

const NO_TITLE = ",Author,\n";

test("causes of a dry run do not count after an older program has committed it", async () => {
  const user = await rowmill.newUser();
  const { body } = await user.upload(
    `title,author,description\n${NO_TITLE.repeat(2)}`,
    "/api/v1/batches?target=books&dry_run=true",
  );
  await deliverWhole(rowmill.ctx, body.id);
  expect(await countKept(body.id)).toBe(1);
  await user.patch(`/api/v1/batches/${body.id}/rows/3`, { fields: { title: "Title", author: "" } });
  await asOlderProgram(rowmill, body.id, async () => {
    expect((await user.post(`/api/v1/batches/${body.id}/commit`)).status).toBe(200);
    await deliverTurns(rowmill, body.id, 2);
  });
  const groups = await groupsOfRows(rowmill, body.id);
  expect(groups).toMatchObject({ failed: 2, groups: [{ column: "title" }, { column: "author" }] });
  expect(await groupsOfChunks(user, body.id)).toEqual(groups);
});

test("causes do not count after one failed row was retried and another row has failed", async () => {
  const user = await rowmill.newUser();
  const others = (from: number) =>
    Array.from({ length: 24 }, (_, index) => `Title ${from + index},Author,\n`);
  const rows = [NO_TITLE, ...others(0), NO_TITLE, NO_TITLE, "Late,Author,\n", ...others(100)];
  const batch = await importFile(rowmill, user, `title,author,description\n${rows.join("")}`);
  const [, second] = await chunksOf(rowmill, batch);
  expect(second).toBe(27);
  await user.patch(`/api/v1/batches/${batch}/rows/2`, { fields: { title: "Late" } });
  expect((await user.post(`/api/v1/batches/${batch}/retry`, { rows: [2, 28] })).status).toBe(202);
  // Row 2 takes the book of row 29.
  await deliverTurns(rowmill, batch, 2);
  const groups = await groupsOfRows(rowmill, batch);
  expect(groups).toMatchObject({ failed: 2, groups: [{ code: "required" }, { code: "duplicate" }] });
  expect(await groupsOfChunks(user, batch)).toEqual(groups);
});

test("a chunk with too many causes has its rows read", async () => {
  const user = await rowmill.newUser();
  const columns = Array.from({ length: 250 }, (_, index) => `column_${index}`);
  const batch = await importFile(rowmill, user, `title,author,description\n${",,text\n".repeat(40)}`);
  const { pool } = rowmill.ctx;
  // As if the rows had broken a rule in each column.
  const errors = columns.map((column) => ({ column, code: "required", message: `${column} is required` }));
  await pool.query("UPDATE rowmill.row_results SET errors = $2 WHERE batch_id = $1", [
    batch,
    JSON.stringify(errors),
  ]);
  await pool.query("DELETE FROM rowmill.chunk_causes WHERE batch_id = $1", [batch]);
  await user.post(`/api/v1/batches/${batch}/retry`, { rows: [2] });
  await deliverChunk(rowmill.ctx, batch);
  expect(await countKept(batch)).toBe(0);
  expect(await groupsOfChunks(user, batch)).toEqual(await groupsOfRows(rowmill, batch));
});

test("causes are removed with their batch, also if the program that removes it does not know them", async () => {
  const user = await rowmill.newUser();
  const left = () =>
    count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.chunk_causes WHERE batch_id = ANY($1)", [ids]);
  const ids: string[] = [];
  for (let index = 0; index < 3; index++)
    ids.push(await importFile(rowmill, user, "title,author,description\n,,text\n"));
  expect(await left()).toBe(3);
  expect((await user.delete(`/api/v1/batches/${ids[0]}`)).status).toBeLessThan(300);
  expect(await left()).toBe(2);
  await rowmill.ctx.pool.query("DELETE FROM rowmill.batches WHERE id = $1", [ids[1]]);
  expect(await removeLostCauses(rowmill.ctx)).toBe(1);
  expect(await left()).toBe(1);
  expect((await groupsOfChunks(user, ids[2] ?? "")).failed).toBe(1);
});

describe.for(STATISTICS)("with %s statistics", (statistics) => {
  const own = useRowmill({ settings: { REQUEST_LOG: "off" } });

  testOnOneServer("the errors of a batch read its chunks and one row per group", async () => {
    const user = await own.newUser();
    const { pool } = own.ctx;
    if (statistics === "stale") await pool.query("ANALYZE");
    // Of other batches. A table of one page would be read as a whole.
    await pool.query(
      `INSERT INTO rowmill.chunk_causes (batch_id, first_row, last_row, attempt, failed, chunk_updated_at, causes)
       SELECT gen_random_uuid(), 2, 11, 1, 10, now(), '[]' FROM generate_series(1, 20000)`,
    );
    const file = `title,author,description\n${",,text\n".repeat(40_000)}`;
    const batch = await receive(user, file);
    const chunks = await chunksOf(own, batch);
    for (const firstRow of chunks) await deliverChunk(own.ctx, batch, firstRow);
    if (statistics === "fresh") await pool.query("ANALYZE");
    const statements = recordReads(own);
    const { body } = await user.get<ErrorGroupsView>(`/api/v1/batches/${batch}/errors`);
    expect(body).toMatchObject({
      failed: 40_000,
      ungrouped: 0,
      groups: [{ count: 40_000 }, { count: 40_000 }],
    });
    let rows = 0;
    for (const statement of statements.filter(({ text }) => /row_results|chunk_causes/.test(text)))
      rows += (await countRowsRead(pool, statement)).rows;
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(4 * chunks.length);
  });
});
