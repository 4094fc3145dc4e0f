import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { csv, titled } from "../support/book-files.ts";
import { count } from "../support/count.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { closeGate } from "../support/gate.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { uploadForm } from "../support/upload-form.ts";

const query = { policy: "atomic" };

test("a worker killed during an atomic batch leaves nothing, and another worker writes all of it", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const killed = await rowmill.startWorker();
  await using gate = await closeGate(rowmill.ctx);
  const { body } = await uploadForm(user, titled(500, { 300: "gate" }), { query });
  await until("it is in the middle", async () => (await user.batch(body.id)).body.counts.processing >= 250);
  await killed.kill();
  await missHeartbeats(rowmill.ctx);
  await gate.open();
  expect(await count(pool, "SELECT count(*) FROM rowmill.books")).toBe(0);

  const other = await rowmill.startWorker();
  await user.finished(body.id);
  await expectExactlyOnce(pool, body.id, { good: 500, bad: 0 });
  // The end of a worker uses up no attempt.
  expect(await other.logged("batch received")).toMatchObject([{ delivery: 1 }]);
});

test("an atomic batch is written completely or not at all while workers are killed repeatedly", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const { body } = await uploadForm(user, csv(30_000), { query });
  for (let round = 0; round < 3; round++) {
    const worker = await rowmill.startWorker();
    await worker.logged("batch received");
    // Not to wait for something: the moment of the crash is what is to be at random.
    await sleep(Math.random() * 300);
    await worker.kill();
    await missHeartbeats(rowmill.ctx);
    expect([0, 30_000]).toContain(await count(pool, "SELECT count(*) FROM rowmill.books"));
  }
  await Promise.all([rowmill.startWorker(), rowmill.startWorker()]);
  await user.finished(body.id);
  await expectExactlyOnce(pool, body.id, { good: 30_000, bad: 0 });
});

test("a failing atomic batch leaves nothing if its worker is killed", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const killed = await rowmill.startWorker();
  await using gate = await closeGate(rowmill.ctx);
  const { body } = await uploadForm(user, titled(100, { 5: "", 60: "gate", 101: "poison" }), { query });
  await until("a failure is shown", async () => (await user.batch(body.id)).body.counts.failed === 1);
  await killed.kill();
  await missHeartbeats(rowmill.ctx);
  await gate.open();
  await rowmill.startWorker();
  const batch = await user.finished(body.id);
  expect(batch).toMatchObject({ state: "failed", counts: { failed: 2, unprocessed: 98, success: 0 } });
  expect((await user.rows(body.id, "failed")).map(({ row }) => row)).toEqual([5, 101]);
  expect(await count(pool, "SELECT count(*) FROM rowmill.books")).toBe(0);
});
