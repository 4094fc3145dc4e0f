import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { chunkJobId } from "../../../src/batches/batch-jobs.ts";
import { processChunk } from "../../../src/batches/process/process-chunk.ts";
import { type Reconciled, reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import { inTransaction } from "../../../src/context.ts";
import { jobs } from "../../../src/jobs.ts";
import { csv } from "../../support/book-files.ts";
import { count } from "../../support/count.ts";
import { expectExactlyOnce } from "../../support/exactly-once.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";

const NOTHING: Reconciled = { uploadsRemoved: 0, batchesRequeued: 0, chunksRequeued: 0, chunksGivenUp: 0 };

const reconcileIn = ({ ctx }: Rowmill, seconds: number) =>
  reconcile({ ...ctx, now: () => new Date(Date.now() + seconds * 1000) });

async function chunkJobs({ ctx }: Rowmill): Promise<{ id: string; state: string; firstRow: number }[]> {
  const { rows } = await ctx.pool.query(
    `SELECT id, state::text, retry_count, created_on, (data->>'firstRow')::int AS "firstRow" FROM rowmill_queue.job
    WHERE name = 'batch.process-chunk' ORDER BY 5, id`,
  );
  return rows;
}

const setJobs = ({ ctx }: Rowmill, state: string, where = "true") =>
  ctx.pool.query(
    `UPDATE rowmill_queue.job SET state = '${state}', completed_on = now() WHERE name = 'batch.process-chunk' AND ${where}`,
  );

test("concurrent reconcilers enqueue chunks with lost jobs once", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(95, 5));
  const before = await chunkJobs(rowmill);
  await rowmill.ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'batch.process-chunk'");
  expect(await reconcileIn(rowmill, 20)).toEqual(NOTHING);
  await Promise.all([1, 2, 3].map(() => reconcileIn(rowmill, 60)));
  const ids = (await chunkJobs(rowmill)).map(({ id }) => id);
  expect(ids).toEqual(before.map(({ id }) => id));
  expect(await reconcileIn(rowmill, 60)).toEqual(NOTHING);

  await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 95, bad: 5 });
});

test.for(["cancelled", "completed"])("a %s job of an open chunk is enqueued again", async (state) => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(100));
  await setJobs(rowmill, state);
  expect(await reconcileIn(rowmill, 60)).toEqual({ ...NOTHING, chunksRequeued: 4 });
  expect((await chunkJobs(rowmill)).map((job) => job.state)).toEqual(Array(4).fill("created"));
  await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 100, bad: 0 });
});

test("rows of a chunk fail after its last delivery, and the batch ends", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(95, 5));
  const [first, second] = await chunkJobs(rowmill);
  await setJobs(rowmill, "failed", `id IN ('${first?.id}', '${second?.id}')`);
  await rowmill.startWorker();
  await until(
    "the other chunks are done",
    async () => (await user.batch(batch.id)).body.counts.pending === 50,
  );
  expect(await reconcileIn(rowmill, 60)).toEqual({ ...NOTHING, chunksGivenUp: 2 });
  await user.finished(batch.id);
  const failed = await user.rows(batch.id, "failed");
  const givenUp = failed.filter(({ error_code }) => error_code === "gave_up");
  expect(givenUp.map(({ row }) => row)).toEqual(Array.from({ length: 50 }, (_, index) => index + 2));
  expect(new Set(givenUp.map(({ error_message }) => error_message)).size).toBe(1);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 47, bad: 53 });
});

test("rows with a result keep it after the last delivery of their chunk", async () => {
  await using rowmill = await startRowmill();
  const { pool } = rowmill.ctx;
  const user = await rowmill.newUser();
  await addTrigger(
    pool,
    "hinder",
    "BEFORE INSERT ON rowmill.books FOR EACH ROW",
    "IF NEW.title = 'Title 7' THEN RAISE EXCEPTION 'try later' USING ERRCODE = '40001'; END IF; RETURN NEW;",
  );
  const { body: batch } = await user.upload(csv(25));
  const key = { batchId: batch.id, firstRow: 2 };
  const delivery = { id: "", payload: key, attempt: 1, signal: new AbortController().signal };
  await inTransaction(rowmill.ctx, (tx) => processChunk(rowmill.ctx, tx, key, delivery));
  expect((await user.batch(batch.id)).body.counts).toMatchObject({ success: 24, pending: 1 });
  const id = chunkJobId(key, 2);
  await setJobs(rowmill, "failed", `id = '${id}'`);
  expect(await reconcileIn(rowmill, 600)).toEqual({ ...NOTHING, chunksGivenUp: 1 });
  const failed = await user.rows(batch.id, "failed");
  expect(failed.map(({ row, error_code }) => [row, error_code])).toEqual([[9, "gave_up"]]);
  await expectExactlyOnce(pool, batch.id, { good: 24, bad: 1 });
});

test("a batch that never started ends after its last delivery", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(50));
  await setJobs(rowmill, "failed");
  expect(await reconcileIn(rowmill, 60)).toEqual({ ...NOTHING, chunksGivenUp: 2 });
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 0, bad: 50 });
});

test("the reconciler leaves open jobs alone", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  await user.upload(csv(100));
  const [, second, third] = await chunkJobs(rowmill);
  const { pool } = rowmill.ctx;
  await pool.query("UPDATE rowmill_queue.job SET state = 'active', started_on = now() WHERE id = $1", [
    second?.id,
  ]);
  await pool.query("UPDATE rowmill_queue.job SET state = 'retry', retry_count = 3 WHERE id = $1", [
    third?.id,
  ]);
  const before = await chunkJobs(rowmill);
  expect(before.map(({ state }) => state)).toEqual(["created", "active", "retry", "created"]);
  expect(await reconcileIn(rowmill, 86_400)).toEqual(NOTHING);
  expect(await chunkJobs(rowmill)).toEqual(before);
});

test("the reconciler leaves finished batches alone", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(20, 5));
  await user.finished(batch.id);
  await setJobs(rowmill, "failed");
  expect(await reconcileIn(rowmill, 86_400)).toEqual(NOTHING);
  await rowmill.ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'batch.process-chunk'");
  expect(await reconcileIn(rowmill, 86_400)).toEqual(NOTHING);
  expect(await chunkJobs(rowmill)).toEqual([]);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 20, bad: 5 });
});

test("an upload without a sign of life for two minutes is removed", async () => {
  await using rowmill = await startRowmill();
  const { pool } = rowmill.ctx;
  const user = await rowmill.newUser();
  for (const age of [100, 140]) {
    await pool.query(
      `INSERT INTO rowmill.batches (id, user_id, target, filename, header, mapping, row_delay_ms, received_at)
      VALUES ($1, $2, 'books', 'test.csv', '{title,author}', '{"title":0,"author":1}', 0, now() - make_interval(secs => $3))`,
      [randomUUID(), user.userId, age],
    );
  }
  expect(await reconcileIn(rowmill, 0)).toEqual({ ...NOTHING, uploadsRemoved: 1 });
  expect(await count(pool, "SELECT count(*) FROM rowmill.batches")).toBe(1);
});

test("reconciling runs as a job", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(50));
  const { ctx } = rowmill;
  await ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'batch.process-chunk'");
  await ctx.pool.query("UPDATE rowmill.chunks SET due_at = now() - interval '1 minute'");
  await rowmill.startWorker();
  await ctx.queue.add(ctx.db, jobs.reconcile, [{ id: randomUUID(), payload: {} }]);
  await user.finished(batch.id);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 50, bad: 0 });
});
