import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { processChunk } from "../../src/batches/process/process-chunk.ts";
import { inTransaction } from "../../src/context.ts";
import { jobs } from "../../src/jobs.ts";
import type { NewJob } from "../../src/platform/queue/add-jobs.ts";
import type { Delivery } from "../../src/platform/queue/delivery.ts";
import { csv } from "../support/book-files.ts";
import { count } from "../support/count.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

async function chunksOf({ ctx }: Programs, batchId: string): Promise<number[]> {
  const { rows } = await ctx.pool.query(
    `SELECT first_row AS "firstRow" FROM rowmill.chunks WHERE batch_id = $1 ORDER BY 1`,
    [batchId],
  );
  return rows.map(({ firstRow }) => firstRow);
}

test("two workers process chunks with duplicate jobs once", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi({ ROW_DELAY_MS: "50" });
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(950, 50));
  const firstRows = await chunksOf(rowmill, batch.id);
  const copies = firstRows.flatMap((firstRow) =>
    [1, 2].map((): NewJob => ({ id: randomUUID(), payload: { batchId: batch.id, firstRow } })),
  );
  await ctx.queue.add(ctx.db, jobs.processChunk, copies);
  const workers = await Promise.all([rowmill.startWorker(), rowmill.startWorker()]);
  await user.finished(batch.id);
  const notEnded =
    "SELECT count(*) FROM rowmill_queue.job WHERE name = 'batch.process-chunk' AND state <> 'completed'";
  await until("every job has ended", async () => (await count(ctx.pool, notEnded)) === 0);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 950, bad: 50 });
  const worked = await until("the workers have logged every chunk", async () => {
    const lines = workers.flatMap((worker) => worker.lines("chunk succeeded"));
    return lines.length >= firstRows.length && lines.map(({ firstRow }) => firstRow);
  });
  expect(worked).toHaveLength(firstRows.length);
  expect(new Set(worked)).toEqual(new Set(firstRows));
});

test("a chunk delivered several times concurrently is processed once", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(180, 20));
  for (const firstRow of await chunksOf(rowmill, batch.id)) {
    const key = { batchId: batch.id, firstRow };
    await Promise.all(
      [1, 2, 3].map(() => inTransaction(ctx, (tx) => processChunk(ctx, tx, key, delivery(key)))),
    );
  }
  await user.finished(batch.id);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 180, bad: 20 });
});

test("delivering all chunks twice concurrently ends the batch once", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(190, 10));
  const keys = (await chunksOf(rowmill, batch.id)).map((firstRow) => ({ batchId: batch.id, firstRow }));
  // Twice the pool's connections at the most would wait for each other: a delivery needs two.
  for (let at = 0; at < keys.length; at += 2) {
    const pair = [...keys.slice(at, at + 2), ...keys.slice(at, at + 2)];
    await Promise.all(
      pair.map((key) => inTransaction(ctx, (tx) => processChunk(ctx, tx, key, delivery(key)))),
    );
  }
  await user.finished(batch.id);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 190, bad: 10 });
});

function delivery(payload: object): Delivery {
  return { id: randomUUID(), payload, attempt: 1, signal: new AbortController().signal };
}
