/** The sums and causes that the end of a batch keeps: what reads them, and when they do not count. */
import { expect, test } from "vitest";
import { storeCausesAtEnd } from "../../src/batches/chunk-causes.ts";
import { newBatchId } from "../../src/batches/ids.ts";
import type { ErrorGroupsView } from "../../src/batches/results/views.ts";
import { inTransaction } from "../../src/context.ts";
import { asOlderProgram, deliverTurns, killDelivery } from "../support/batch-history.ts";
import { command, deliverUndo } from "../support/batches.ts";
import { groupsOfAnswer, groupsOfRows } from "../support/cause-groups.ts";
import type { Client } from "../support/client.ts";
import { count, countRowWaits } from "../support/count.ts";
import { countRowsRead, recordReads } from "../support/explained-reads.ts";
import { chunksOf, importFile, receive } from "../support/imports.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const user = useUserPerTest(rowmill);

const HEADER = "title,author,description\n";
/** Every tenth row lacks its author. */
const books = (rows: number) =>
  Array.from({ length: rows }, (_, at) => `Title ${at},${at % 10 === 9 ? "" : "Author"},\n`).join("");

/** The rows of chunks and of kept causes that requests read. */
async function rowsOfChunksRead(requests: () => Promise<unknown>): Promise<number> {
  const statements = recordReads(rowmill);
  await requests();
  let rows = 0;
  for (const statement of statements.splice(0).filter(({ text }) => /rowmill"?\."?chunk/.test(text))) {
    const { scans } = await countRowsRead(rowmill.ctx.pool, statement);
    for (const scan of scans) if (scan.startsWith("chunk")) rows += Number(scan.split(" ").at(-1));
  }
  return rows;
}

const errorsOf = async (of: Client, batch: string) =>
  groupsOfAnswer((await of.get<ErrorGroupsView>(`/api/v1/batches/${batch}/errors`)).body);

testOnOneServer("the status, the list and the errors of a batch that has ended read no chunk", async () => {
  const batch = await importFile(rowmill, user, HEADER + books(2000));
  const chunks = await chunksOf(rowmill, batch);
  expect(chunks.length).toBeGreaterThan(3);
  const read = async () => {
    expect((await user.batch(batch)).body.counts).toMatchObject({ success: 1800, failed: 200 });
    expect((await user.get("/api/v1/batches")).body).toMatchObject({
      items: [{ counts: { success: 1800, failed: 200 } }],
    });
    expect(await errorsOf(user, batch)).toMatchObject({
      failed: 200,
      groups: [{ count: 200, rows: [11, 21, 31, 41, 51] }],
    });
  };
  // The entry of the batch.
  expect(await rowsOfChunksRead(read)).toBeLessThanOrEqual(2);
  await rowmill.ctx.pool.query("UPDATE rowmill.batches SET totals = NULL WHERE id = $1", [batch]);
  await rowmill.ctx.pool.query("DELETE FROM rowmill.chunk_causes WHERE batch_id = $1 AND first_row = 0", [
    batch,
  ]);
  expect(await rowsOfChunksRead(read)).toBeGreaterThanOrEqual(4 * chunks.length);
});

test("the sums of an end include the chunks that other workers end at the same time", async () => {
  const batch = await receive(user, HEADER + books(2000));
  const [last = 0, other = 0, ...before] = (await chunksOf(rowmill, batch)).toReversed();
  for (const firstRow of before) await deliverTurns(rowmill, batch, firstRow);
  await Promise.all([last, other].map((firstRow) => deliverTurns(rowmill, batch, firstRow)));
  const { rows } = await rowmill.ctx.pool.query("SELECT totals FROM rowmill.batches WHERE id = $1", [batch]);
  expect(rows).toMatchObject([{ totals: { run: 1, succeeded: 1800, failed: 200, created: 1800 } }]);
  expect(await errorsOf(user, batch)).toEqual(await groupsOfRows(rowmill, batch));
});

test("an end that a crash rolls back keeps nothing", async () => {
  const batch = await receive(user, HEADER + books(2000));
  const [last = 0, ...others] = (await chunksOf(rowmill, batch)).toReversed();
  for (const firstRow of others) await deliverTurns(rowmill, batch, firstRow);
  const kept = () =>
    count(
      rowmill.ctx.pool,
      `SELECT count(totals) + (SELECT count(*) FROM rowmill.chunk_causes WHERE batch_id = $1 AND first_row = 0) AS count
       FROM rowmill.batches WHERE id = $1`,
      [batch],
    );
  await killDelivery(rowmill, batch, last);
  expect(await kept()).toBe(0);
  await deliverTurns(rowmill, batch, last);
  expect(await kept()).toBe(2);
  expect((await user.batch(batch)).body).toMatchObject({
    state: "completed_with_errors",
    counts: { failed: 200 },
  });
});

test("an end whose time is up keeps no causes, and the errors are read from the chunks", async () => {
  const { pool } = rowmill.ctx;
  const batch = await importFile(rowmill, user, HEADER + books(2000));
  const shown = await errorsOf(user, batch);
  const isWhole = "batch_id = $1 AND first_row = 0";
  const keptAfter = async (maxMs?: number) => {
    await pool.query(`DELETE FROM rowmill.chunk_causes WHERE ${isWhole}`, [batch]);
    await inTransaction(rowmill.ctx, (tx) => storeCausesAtEnd(tx, batch, 200, maxMs));
    return count(pool, `SELECT count(*) FROM rowmill.chunk_causes WHERE ${isWhole}`, [batch]);
  };
  expect(await keptAfter()).toBe(1);
  expect(await keptAfter(0)).toBe(0);
  expect(await errorsOf(user, batch)).toEqual(shown);
});

test("what an end has kept does not count after a program of 0.12.0 has run the batch again", async () => {
  const batch = await importFile(rowmill, user, HEADER + books(2000));
  for (const [row, title] of [
    [11, "Corrected"],
    [21, ""],
  ] as const)
    await user.patch(`/api/v1/batches/${batch}/rows/${row}`, { fields: { title, author: "Author" } });
  await asOlderProgram(rowmill, batch, async () => {
    await command(user, batch, "retry", { rows: [11, 21] });
    for (const firstRow of await chunksOf(rowmill, batch)) await deliverTurns(rowmill, batch, firstRow);
  });
  expect((await user.batch(batch)).body).toMatchObject({
    state: "completed_with_errors",
    counts: { success: 1801, failed: 199 },
  });
  const groups = await groupsOfRows(rowmill, batch);
  expect(groups).toMatchObject({ groups: [{ count: 198 }, { count: 1, column: "title" }] });
  expect(await errorsOf(user, batch)).toEqual(groups);
  await command(user, batch, "undo");
  await deliverUndo(rowmill.ctx, batch);
  expect((await user.batch(batch)).body).toMatchObject({
    counts: { success: 0, undone: 1801 },
    undo: { reversed: 1801 },
  });
  expect(await errorsOf(user, batch)).toEqual(groups);
});

test("a delivery of an undo that has ended does not end the next one", async () => {
  const { ctx } = rowmill;
  const batch = await importFile(rowmill, user, HEADER + books(100));
  await importFile(rowmill, user, `${HEADER}Title 1,Author,Changed\n`, "upsert");
  await command(user, batch, "undo");
  const client = await ctx.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT FROM rowmill.batches WHERE id = $1 FOR UPDATE", [batch]);
    const late = deliverUndo(ctx, batch);
    await until("it waits for the batch", async () => (await countRowWaits(ctx.pool)) > 0);
    // Another delivery ends the undo, and the owner undoes the batch again.
    await client.query("UPDATE rowmill.batches SET run = run + 1 WHERE id = $1", [batch]);
    await client.query(
      "UPDATE rowmill.chunks SET is_undone = false, kept = 0 WHERE batch_id = $1 AND kept > 0",
      [batch],
    );
    await client.query("COMMIT");
    expect(await late).toBeUndefined();
  } finally {
    client.release();
  }
  expect((await user.batch(batch)).body.state).toBe("undoing");
  await deliverUndo(ctx, batch);
  expect((await user.batch(batch)).body).toMatchObject({
    state: "undone",
    undo: { reversed: 89, kept: 1, failed: 0 },
  });
});

testOnOneServer("a page of successful rows reads as many chunks as it needs", async () => {
  const { pool, now } = rowmill.ctx;
  const id = newBatchId(now());
  const [chunks, chunkRows] = [3000, 2];
  await pool.query(
    `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
     VALUES ($1, $2, 'books', 'chunks.csv', 'completed', '{title}', '{"title":0}', 0, $3, $4)`,
    [id, user.userId, chunks * chunkRows, now()],
  );
  const all = `generate_series(2, ${chunks * chunkRows + 1}) AS row`;
  await pool.query(
    `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields) SELECT $1, row, '["a"]' FROM ${all}`,
    [id],
  );
  await pool.query(
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect) SELECT $1, row, 'success', 1, 'created' FROM ${all}`,
    [id],
  );
  await pool.query(
    `INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, created)
     SELECT $1, row, row + 1, 2, 'done', 2, 2 FROM ${all} WHERE row % 2 = 0`,
    [id],
  );
  await pool.query("ANALYZE rowmill.chunks");
  const totals = `json_build_object('run', 1, 'succeeded', total_rows)`;
  await pool.query(`UPDATE rowmill.batches SET totals = ${totals} WHERE id = $1`, [id]);
  const pages: number[] = [];
  const read = async () => {
    for (const from of [1, 21]) {
      const { body } = await user.get<{ items: { row: number }[] }>(
        `/api/v1/batches/${id}/rows?status=success&limit=20&from_row=${from}`,
      );
      pages.push(...body.items.map(({ row }) => row));
    }
  };
  // Each page needs eleven chunks, and joins each of its rows with its own.
  expect(await rowsOfChunksRead(read)).toBeLessThan(200);
  const rowsFrom = (first: number) => Array.from({ length: 20 }, (_, at) => first + at);
  expect(pages).toEqual([...rowsFrom(2), ...rowsFrom(21)]);
});
