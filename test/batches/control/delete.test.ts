import type pg from "pg";
import { expect, test, vi } from "vitest";
import { transition } from "../../../src/batches/transitions.ts";
import { reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import { inTransaction } from "../../../src/context.ts";
import { command, deliverChunk, deliverWhole, untilBatch } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { recordStatements } from "../../support/record-statements.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const remove = (user: Client, batchId: string) => user.send<Problem>("DELETE", `/api/v1/batches/${batchId}`);

/** Counts the remaining rows of a batch by table. */
async function leftOf({ ctx }: Rowmill, batchId: string): Promise<Record<string, number>> {
  const { rows } = await ctx.pool.query(
    `SELECT
      (SELECT count(*)::int FROM rowmill.batches WHERE id = $1) AS batches,
      (SELECT count(*)::int FROM rowmill.batch_rows WHERE batch_id = $1) AS rows,
      (SELECT count(*)::int FROM rowmill.row_results WHERE batch_id = $1) AS results,
      (SELECT count(*)::int FROM rowmill.row_history WHERE batch_id = $1) AS history,
      (SELECT count(*)::int FROM rowmill.chunks WHERE batch_id = $1) AS chunks,
      (SELECT count(*)::int FROM rowmill_queue.job WHERE data->>'batchId' = $1::text) AS jobs,
      (SELECT count(*)::int FROM rowmill.books WHERE batch_id = $1) AS books`,
    [batchId],
  );
  return rows[0];
}

/** Whether the removal of results waits for a lock. */
async function isWaiting(pool: Pick<pg.Pool, "query">): Promise<boolean> {
  const { rowCount } = await pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM rowmill."row_results"%'`,
  );
  return rowCount === 1;
}

const NOTHING = { batches: 0, rows: 0, results: 0, history: 0, chunks: 0, jobs: 0 };

/** Checks that a deleted batch is not visible anywhere. */
async function expectGone(user: Client, batchId: string): Promise<void> {
  for (const path of ["", "/rows", "/rows/2"])
    expect((await user.get(`/api/v1/batches/${batchId}${path}`)).status).toBe(404);
  for (const name of ["pause", "resume", "cancel", "undo", "retry", "commit"])
    expect((await user.post(`/api/v1/batches/${batchId}/${name}`)).status).toBe(404);
  expect((await remove(user, batchId)).status).toBe(404);
  const { body } = await user.get<{ items: { id: string }[] }>("/api/v1/batches");
  expect(body.items.map(({ id }) => id)).not.toContain(batchId);
  expect((await user.get(`/batch-status/?batch_id=${batchId}`)).status).toBe(404);
}

/** For the tests that need none of their own. */
const rowmill = useRowmill();

test("deleting an ended batch removes its rows, results, history and jobs but not its records", async () => {
  const { ctx } = rowmill;
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(20, 5));
  await deliverChunk(ctx, batch.id);
  await command(user, batch.id, "retry");
  await deliverChunk(ctx, batch.id);
  const { body: other } = await user.upload(csv(3));
  const before = await leftOf(rowmill, batch.id);
  expect(before).toMatchObject({ rows: 25, results: 25, history: 5, chunks: 1, books: 20 });
  expect(before.jobs).toBe(2);
  const otherBefore = await leftOf(rowmill, other.id);

  const { status, body } = await remove(user, batch.id);
  expect([status, body]).toEqual([204, ""]);
  expect(await leftOf(rowmill, batch.id)).toEqual({ ...NOTHING, books: 20 });
  expect(await leftOf(rowmill, other.id)).toEqual(otherBefore);
  await expectGone(user, batch.id);
});

test("a deletion passes the rows of a batch once", async () => {
  const user = await rowmill.newUser();
  const { body } = await user.upload(csv(20));
  await deliverChunk(rowmill.ctx, body.id);
  const sent = recordStatements();
  expect((await remove(user, body.id)).status).toBe(204);
  const removals = [...sent.values()]
    .flat()
    .filter((text) => text.startsWith("DELETE FROM rowmill.batch_rows"));
  expect(removals.length).toBeGreaterThan(0);
  for (const text of removals) expect(text).toContain("row_number >=");
});

test("a dry run and a cancelled batch can be deleted", async () => {
  const user = await rowmill.newUser();
  const { body: dry } = await user.upload(csv(20, 5), "/api/v1/batches?target=books&dry_run=true");
  await deliverWhole(rowmill.ctx, dry.id);
  const { body: cancelled } = await user.upload(csv(50));
  await command(user, cancelled.id, "cancel");
  for (const { id } of [dry, cancelled]) {
    expect((await remove(user, id)).status).toBe(204);
    expect(await leftOf(rowmill, id)).toEqual({ ...NOTHING, books: 0 });
  }
});

test("deleting an open batch answers 409 and names the states that can be deleted", async () => {
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(50));
  const { status, body } = await remove(user, batch.id);
  expect([status, body.detail]).toEqual([
    409,
    "A batch that is queued cannot be deleted. Only a validated, completed, completed_with_errors, failed, cancelled, or undone batch can.",
  ]);
  expect(await leftOf(rowmill, batch.id)).toMatchObject({ batches: 1, rows: 50, chunks: 2, jobs: 2 });
});

test("an interrupted deletion is hidden, and the reconciler completes it", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(20, 5));
  await deliverChunk(ctx, batch.id);
  // The process dies here: the batch is marked, and some of it is gone.
  await inTransaction(ctx, (tx) => transition(tx, batch.id, "delete", { finishedAt: null }));
  await ctx.pool.query("DELETE FROM rowmill.row_results WHERE batch_id = $1", [batch.id]);
  await expectGone(user, batch.id);
  await reconcile(ctx);
  expect((await leftOf(rowmill, batch.id)).rows).toBe(25);
  const later = { ...ctx, now: () => new Date(ctx.now().getTime() + 125_000) };
  const removed = await Promise.all([reconcile(later), reconcile(later)]);
  expect(removed.map(({ uploadsRemoved }) => uploadsRemoved).sort()).toEqual([0, 1]);
  expect(await leftOf(rowmill, batch.id)).toEqual({ ...NOTHING, books: 20 });
  await reconcile(later);
});

test("the reconciler leaves a deletion alone whose process gives signs of life", async () => {
  await using rowmill = await startRowmill();
  const { pool } = rowmill.ctx;
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(20, 5));
  await deliverChunk(rowmill.ctx, batch.id);
  const isOld = () =>
    pool
      .query(
        "SELECT FROM rowmill.batches WHERE state = 'deleting' AND received_at < now() - interval '1 hour'",
      )
      .then(({ rowCount }) => rowCount === 1);
  const makeOld = () => pool.query("UPDATE rowmill.batches SET received_at = now() - interval '1 day'");
  await makeOld();
  // The deletion waits for this transaction.
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM rowmill.row_results WHERE batch_id = $1 FOR UPDATE", [batch.id]);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const deletion = remove(user, batch.id);
    await until("the deletion waits", () => isWaiting(pool));
    expect(await isOld()).toBe(false);
    await makeOld();
    vi.advanceTimersByTime(20_000);
    await until("the deletion gives a sign of life", async () => !(await isOld()));
    expect(await reconcile(rowmill.ctx)).toMatchObject({ uploadsRemoved: 0 });
    await client.query("COMMIT");
    expect((await deletion).status).toBe(204);
  } finally {
    vi.useRealTimers();
    client.release();
  }
});

test("of concurrent deletions one deletes the batch and the others get 404", async () => {
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(25));
  await deliverChunk(rowmill.ctx, batch.id);
  const answers = await Promise.all([1, 2, 3].map(() => remove(user, batch.id)));
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404]);
});

test("deleting right after a cancel leaves nothing, even while a worker still writes", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(20_000));
  await untilBatch(user, batch.id, "is being processed", ({ state }) => state === "processing");
  await command(user, batch.id, "cancel");
  expect((await remove(user, batch.id)).status).toBe(204);
  expect(await leftOf(rowmill, batch.id)).toMatchObject(NOTHING);
});
