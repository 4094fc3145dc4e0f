import { expect, test } from "vitest";
import { batchJob, chunkJob } from "../../../src/batches/batch-jobs.ts";
import { titled } from "../../support/book-files.ts";
import type { Client } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { closeGate, startWithGate } from "../../support/gate.ts";
import { Program } from "../../support/processes.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { uploadForm } from "../../support/upload-form.ts";

const upload = async (user: Client, rows: number, query: Record<string, string> = {}) =>
  (await uploadForm(user, titled(rows), { query })).body;

const active = ({ ctx }: Rowmill, { userId }: Client) =>
  count(ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE state = 'active' AND group_id = $1", [
    String(userId),
  ]);

test("jobs of smaller batches are taken first", () => {
  const sizes = [3, 1000, 1001, 20_000, 20_001, 200_000, 200_001, 10_000_000];
  const chunks = sizes.map(
    (totalRows) => chunkJob({ userId: 1, totalRows }, { batchId: "b", firstRow: 2 }, 1).priority,
  );
  expect(chunks).toEqual([3, 3, 2, 2, 1, 1, 0, 0]);
  const wholes = sizes.map(
    (totalRows) => batchJob("whole", { userId: 1, totalRows, id: "b", run: 1 }).priority,
  );
  expect(wholes).toEqual(chunks);
});

test("jobs are queued with their batch's priority and their user", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  for (const rows of [3, 1001, 20_001]) await upload(user, rows);
  const { rows } = await rowmill.ctx.pool.query(
    `SELECT DISTINCT total_rows AS rows, priority, group_id AS "group"
    FROM rowmill_queue.job JOIN rowmill.batches ON batches.id = (data->>'batchId')::uuid ORDER BY 1`,
  );
  const group = String(user.userId);
  expect(rows).toEqual([
    { rows: 3, priority: 3, group },
    { rows: 1001, priority: 2, group },
    { rows: 20_001, priority: 1, group },
  ]);
});

test("a small batch overtakes queued chunks of a large one", async () => {
  await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "1" });
  const user = await rowmill.newUser();
  const large = await upload(user, 2000, { row_delay_ms: "200" });
  const small = await upload(user, 3);
  await rowmill.startWorker();
  await user.finished(small.id);
  // Not behind all of its forty chunks; one may be taken at the same moment.
  expect((await user.batch(large.id)).body.counts.success).toBeLessThanOrEqual(100);
});

test("one user's slow chunks leave a place for another user's rows", async () => {
  await using rowmill = await startWithGate({ WORKER_CONCURRENCY: "1" });
  const [busy, other] = [await rowmill.newUser(), await rowmill.newUser()];
  await using gate = await closeGate(rowmill.ctx);
  const slow = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [index + 2, `gate ${index}`]));
  const { body: large } = await uploadForm(busy, titled(200, slow));
  await rowmill.startWorker();
  await until("a chunk is running", async () => (await active(rowmill, busy)) > 0);
  const { id } = await upload(other, 3);
  expect((await other.finished(id, 5000)).counts.success).toBe(3);
  expect(await active(rowmill, busy)).toBe(1);
  expect((await busy.batch(large.id)).body.counts.success).toBe(0);
  await gate.open();
  await busy.finished(large.id);
});

test("slow atomic batches leave a place for another user's rows", async () => {
  await using rowmill = await startWithGate({ WORKER_CONCURRENCY: "1" });
  const [busy, other] = [await rowmill.newUser(), await rowmill.newUser()];
  await using gate = await closeGate(rowmill.ctx);
  const held = await Promise.all(
    [1, 2, 3].map(async (nth) => {
      const query = { policy: "atomic" };
      return (await uploadForm(busy, titled(30, { 3: `gate ${nth}`, 5: `${nth}` }), { query })).body;
    }),
  );
  await rowmill.startWorker();
  await until("one is running", async () => (await active(rowmill, busy)) > 0);
  const dry = await upload(other, 3, { dry_run: "true" });
  expect((await other.finished(dry.id, 5000)).state).toBe("validated");
  const plain = await upload(other, 3);
  expect((await other.finished(plain.id, 5000)).state).toBe("completed");
  expect(await active(rowmill, busy)).toBe(1);
  await gate.open();
  for (const { id } of held) await busy.finished(id);
});

test("a worker with one place serves a single user if nobody else waits", async () => {
  await using rowmill = await startRowmill({ WORKER_CONCURRENCY: "1" });
  const user = await rowmill.newUser();
  await rowmill.startWorker();
  const { id } = await upload(user, 200);
  expect((await user.finished(id)).counts.success).toBe(200);
});

test("a worker has connections for all its jobs and heartbeats", async () => {
  await using rowmill = await startRowmill();
  await using worker = await Program.start("worker", rowmill.config.databaseUrl);
  const user = await rowmill.newUser();
  const { id } = await upload(user, 3);
  await user.finished(id);
  expect(worker.output).not.toMatch(/connections while their handlers run/);
});
