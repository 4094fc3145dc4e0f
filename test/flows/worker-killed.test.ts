import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const processing = (user: Client, batchId: string, rows: number) =>
  until(`${rows} rows are being processed`, async () => {
    const { body } = await user.batch(batchId);
    return body.counts.processing >= rows ? body : null;
  });

test("another worker finishes the chunks of a killed one within 30 seconds", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi({ ROW_DELAY_MS: "2000" });
  const user = await api.client.signUp("reader");
  const killed = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(95, 5));
  const seen = await processing(user, batch.id, 100);
  expect(seen.state).toBe("processing");
  expect(await user.rows(batch.id, "processing")).toHaveLength(100);
  await killed.kill();
  const killedAt = Date.now();

  const other = await rowmill.startWorker();
  await user.finished(batch.id, 30_000 - (Date.now() - killedAt));
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 95, bad: 5 });
  expect(killed.lines("chunk succeeded")).toEqual([]);
  expect(other.lines("chunk succeeded")).toHaveLength(4);
  expect(other.lines("chunk received").map(({ delivery }) => delivery)).toEqual([2, 2, 2, 2]);
});

test("repeatedly killed workers lose and duplicate no row", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(29_000, 1000));
  let chunksCut = 0;
  for (let round = 0; round < 5; round++) {
    const worker = await rowmill.startWorker();
    await worker.logged("chunk received", 1, 30_000);
    // Not to wait for something: the moment of the crash is what is to be at random.
    await sleep(Math.random() * 40);
    await worker.kill();
    chunksCut += worker.lines("chunk received").length - worker.lines("chunk succeeded").length;
  }
  expect(chunksCut).toBeGreaterThan(0);
  await rowmill.startWorker();
  await user.finished(batch.id, 30_000);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 29_000, bad: 1000 });
});
