import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { csv, titled } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { closeGate } from "../support/gate.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const processing = (user: Client, batchId: string, rows: number) =>
  until(`${rows} rows are being processed`, async () => {
    const { body } = await user.batch(batchId);
    return body.counts.processing >= rows ? body : null;
  });

test("another worker finishes the chunks of a killed one, in a process of their own", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await using gate = await closeGate(rowmill.ctx);
  const killed = await rowmill.startWorker();
  const { body: batch } = await user.upload(
    titled(100, { 2: "gate 1", 27: "gate 2", 52: "gate 3", 77: "gate 4" }),
  );
  await gate.reached(4);
  const seen = await processing(user, batch.id, 100);
  expect(seen.state).toBe("processing");
  expect(await user.rows(batch.id, "processing")).toHaveLength(100);
  await killed.kill();
  await missHeartbeats(rowmill.ctx);
  await gate.open();

  const other = await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 100, bad: 0 });
  expect(killed.lines("chunk succeeded")).toEqual([]);
  expect(await other.logged("chunk succeeded", 4)).toHaveLength(4);
  const alone = await other.logged("running a job alone: the process that ran it has ended", 4);
  // Other jobs can have run at the kill as well, and a chunk whose turn ends continues alone.
  expect(alone.filter(({ job }) => job === "batch.process-chunk").length).toBeGreaterThanOrEqual(4);
});

test("a killed worker loses no chunk that waits for its delay", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi({ ROW_DELAY_MS: "5000" });
  const user = await api.client.signUp("reader");
  const killed = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(95, 5));
  await processing(user, batch.id, 100);
  await killed.kill();
  await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 95, bad: 5 });
});

test("repeatedly killed workers lose and duplicate no row", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(29_000, 1000));
  let chunksCut = 0;
  for (let round = 0; round < 5; round++) {
    const worker = await rowmill.startWorker();
    await worker.logged("chunk received");
    // Not to wait for something: the moment of the crash is what is to be at random.
    await sleep(Math.random() * 40);
    await worker.kill();
    await missHeartbeats(rowmill.ctx);
    chunksCut += worker.lines("chunk received").length - worker.lines("chunk succeeded").length;
  }
  expect(chunksCut).toBeGreaterThan(0);
  await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 29_000, bad: 1000 });
});
