import { beforeAll, expect, test } from "vitest";
import { reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import { csv, titled } from "../../support/book-files.ts";
import type { Client } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { expectExactlyOnce } from "../../support/exactly-once.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { until } from "../../support/until.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true, gate: true });
beforeAll(() => rowmill.startWorker());

const uploadPaced = async (user: Client, rate: number, content: string) =>
  (await uploadForm(user, content, { query: { rows_per_second: String(rate) } })).body;

/** When the rows had their results, in seconds from the first. */
async function resultTimes({ ctx }: Rowmill, batchId: string): Promise<number[]> {
  const { rows } = await ctx.pool.query<{ at: number }>(
    `SELECT extract(epoch FROM completed_at - min(completed_at) OVER ())::float AS at
    FROM rowmill.row_results WHERE batch_id = $1 ORDER BY 1`,
    [batchId],
  );
  return rows.map(({ at }) => at);
}

/** The most results within a span of time. */
function mostWithin(times: readonly number[], seconds: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + seconds).length));
}

const successes = async (user: Client, id: string) => (await user.batch(id)).body.counts.success;

test("two workers together keep the pace of a batch", async () => {
  const user = await rowmill.newUser();
  const { id, rows_per_second_limit } = await uploadPaced(user, 100, csv(700));
  expect(rows_per_second_limit).toBe(100);
  await user.finished(id);
  await expectExactlyOnce(rowmill.ctx.pool, id, { good: 700, bad: 0 });
  const times = await resultTimes(rowmill, id);
  const seconds = times.at(-1) ?? 0;
  // The last chunk waits for all that were before it, the bucket of two seconds makes up for delays.
  expect(seconds).toBeGreaterThan(700 / 100 - 2 - 0.5);
  expect(mostWithin(times, 1)).toBeLessThanOrEqual(3 * 100 + 25);
});

test("a slow pace has small chunks", async () => {
  const user = await rowmill.newUser();
  const { id } = await uploadPaced(user, 3, csv(15));
  await user.finished(id);
  const times = await resultTimes(rowmill, id);
  expect(times.at(-1)).toBeGreaterThan(15 / 3 - 2 - 0.5);
  expect(mostWithin(times, 0.5)).toBeLessThanOrEqual(3 * 3);
});

test("after a standstill at most two seconds' worth of rows is processed at once", async () => {
  await using own = await startRowmill();
  const user = await own.newUser();
  const { id } = await uploadPaced(user, 50, csv(500));
  await own.ctx.pool.query(
    "UPDATE rowmill.batches SET paced_until = now() - interval '1 hour' WHERE id = $1",
    [id],
  );
  await own.startWorker();
  await user.finished(id);
  const times = await resultTimes(own, id);
  // Two seconds' worth, what comes due meanwhile, and the chunk that is being done.
  expect(mostWithin(times, 1)).toBeLessThanOrEqual(50 * (2 + 1 + 1));
  expect(times.at(-1)).toBeGreaterThan(500 / 50 - 2 - 1);
});

test("a resumed batch keeps its pace and does not catch up", async () => {
  const user = await rowmill.newUser();
  const { id } = await uploadPaced(user, 50, csv(300));
  await until("it has started", async () => (await successes(user, id)) >= 50);
  await user.post(`/api/v1/batches/${id}/pause`);
  const held = await successes(user, id);
  expect((await user.batch(id)).body.state).toBe("paused");
  await user.post(`/api/v1/batches/${id}/resume`);
  await user.finished(id);
  await expectExactlyOnce(rowmill.ctx.pool, id, { good: 300, bad: 0 });
  const times = await resultTimes(rowmill, id);
  expect(held).toBeLessThan(300);
  expect(times.at(-1)).toBeGreaterThan(300 / 50 - 2 - 1);
});

test("a resumed batch keeps the due time of its next chunk", async () => {
  await using own = await startRowmill();
  const { pool } = own.ctx;
  const user = await own.newUser();
  const { id } = await uploadPaced(user, 50, csv(150));
  await pool.query("UPDATE rowmill.batches SET paced_until = now() + interval '1 hour' WHERE id = $1", [id]);
  await user.post(`/api/v1/batches/${id}/pause`);
  await user.post(`/api/v1/batches/${id}/resume`);
  const dueIn = `SELECT extract(epoch FROM start_after - now())::int AS count FROM rowmill_queue.job
    WHERE name = 'batch.process-chunk'`;
  expect(await count(pool, dueIn)).toBeGreaterThan(3500);
});

test("a lost job of a paced batch is restored, and the others follow", async () => {
  await using own = await startRowmill();
  const user = await own.newUser();
  const { id } = await uploadPaced(user, 50, csv(150));
  const waiting = "SELECT count(*) FROM rowmill_queue.job WHERE name = 'batch.process-chunk'";
  expect(await count(own.ctx.pool, waiting)).toBe(1);
  await own.ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'batch.process-chunk'");
  const later = { ...own.ctx, now: () => new Date(Date.now() + 60_000) };
  expect(await reconcile(later)).toMatchObject({ chunksRequeued: 1 });
  expect(await reconcile(later)).toMatchObject({ chunksRequeued: 0 });
  await own.startWorker();
  await user.finished(id);
  await expectExactlyOnce(own.ctx.pool, id, { good: 150, bad: 0 });
});

test("retried rows do not delay a paced batch", async () => {
  const user = await rowmill.newUser();
  const { id } = await uploadPaced(user, 50, titled(150, { 3: "busy" }));
  await until("the others are done", async () => (await successes(user, id)) === 149);
  const batch = await user.finished(id);
  expect(batch.counts).toMatchObject({ success: 149, failed: 1 });
  expect((await user.rows(id, "failed"))[0]?.error_message).toMatch(/^Gave up after 4 attempts/);
});

test("failed rows retried by hand use only their share of the pace", async () => {
  const user = await rowmill.newUser();
  const bad = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [2 + index * 25, ""]));
  const { body: first } = await uploadForm(user, titled(200, bad), { query: { rows_per_second: "1000" } });
  await user.finished(first.id);
  await rowmill.ctx.pool.query("UPDATE rowmill.batches SET rows_per_second = 2 WHERE id = $1", [first.id]);
  using watch = new Stopwatch();
  expect((await user.post(`/api/v1/batches/${first.id}/retry`)).status).toBe(202);
  await user.finished(first.id);
  expect((await user.rows(first.id, "failed")).map(({ attempts }) => attempts)).toEqual(Array(8).fill(2));
  // At 25 rows a chunk it would be 8 * 25 / 2 - 2 seconds.
  expect(watch.ms).toBeLessThan(60_000);
});
