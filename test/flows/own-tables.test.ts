/** Imports into tables of an application with several workers, some of which are killed. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { adminOf } from "../support/admin.ts";
import { countRowWaits } from "../support/count.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { startPrograms } from "../support/processes.ts";
import {
  createStore,
  customers,
  defineTarget,
  dropStoreRole,
  storeRole,
  storeSettings,
} from "../support/store.ts";
import { until } from "../support/until.ts";

async function startStore() {
  const role = storeRole();
  const rowmill = await startPrograms(storeSettings(role));
  const { pool } = rowmill.ctx;
  await createStore(pool, role);
  const api = await rowmill.serveApi();
  const admin = await adminOf(rowmill, api);
  return {
    ...rowmill,
    api,
    admin,
    pool,
    async [Symbol.asyncDispose]() {
      await dropStoreRole(pool, role);
      await rowmill[Symbol.asyncDispose]();
    },
  };
}

test("killed workers write no row twice into a table without a key", async () => {
  await using store = await startStore();
  const columns = [{ name: "line", type: "text" as const, required: true }];
  const target = await defineTarget(store.admin, "lines", { table: "log", columns });
  const user = await store.api.client.signUp("writer");
  const rows = 6000;
  const csv = `number,line\n${Array.from({ length: rows }, (_, index) => `${index},line-${index}`).join("\n")}\n`;
  const { body: batch } = await user.upload(csv, `/api/v1/batches?target=${target}`);
  for (let round = 0; round < 2; round++) {
    const worker = await store.startWorker();
    await worker.logged("chunk received");
    // The moment of the crash is to be at random.
    await sleep(Math.random() * 60);
    await worker.kill();
    await missHeartbeats(store.ctx);
  }
  await Promise.all([store.startWorker(), store.startWorker()]);
  const ended = await user.finished(batch.id, 120_000);
  expect(ended).toMatchObject({ state: "completed", counts: { success: rows } });
  const { rows: lines } = await store.pool.query(
    "SELECT count(*)::int AS rows, count(DISTINCT line)::int AS different FROM store.log",
  );
  expect(lines).toEqual([{ rows, different: rows }]);
});

test("two users write the same keys at once, in opposite orders, and no row fails", async () => {
  await using store = await startStore();
  const target = await defineTarget(store.admin, "customers", customers());
  const ids = Array.from({ length: 3000 }, (_, index) => `K${index}`);
  const users = [await store.api.client.signUp("one"), await store.api.client.signUp("two")];
  const workers = await Promise.all([store.startWorker(), store.startWorker()]);
  const batches = await Promise.all(
    users.map(async (user, index) => {
      const order = index === 0 ? ids : ids.toReversed();
      const csv = `external_id,full_name\n${order.map((id) => `${id},user ${index}`).join("\n")}\n`;
      const { body } = await user.upload(csv, `/api/v1/batches?target=${target}&mode=upsert`);
      return user.finished(body.id, 120_000);
    }),
  );
  for (const { state, counts } of batches) expect([state, counts.success]).toEqual(["completed", ids.length]);
  const records = batches.map(({ records: found }) => found.created).reduce((sum, count) => sum + count, 0);
  expect(records).toBe(ids.length);
  const { rows } = await store.pool.query("SELECT count(*)::int AS n FROM store.customers");
  expect(rows).toEqual([{ n: ids.length }]);
  expect(workers.flatMap((worker) => worker.lines("deadlock detected"))).toEqual([]);
});

test("a batch that is paused during a statement ends it, and goes on with the same rows", async () => {
  await using store = await startStore();
  const target = await defineTarget(store.admin, "customers", customers());
  const user = await store.api.client.signUp("writer");
  const other = await store.pool.connect();
  await other.query("BEGIN; INSERT INTO store.customers (external_id) VALUES ('W1')");
  await store.startWorker();
  const csv = "external_id,full_name\nW1,a\nW2,b\n";
  const { body: batch } = await user.upload(csv, `/api/v1/batches?target=${target}&mode=upsert`);
  await until("the statement waits", async () => (await countRowWaits(store.pool)) > 0);
  const { body: paused } = await user.post<{ state: string }>(`/api/v1/batches/${batch.id}/pause`);
  expect(paused.state).toBe("paused");
  await until("the statement has ended", async () => (await countRowWaits(store.pool)) === 0);
  await other.query("COMMIT");
  other.release();
  await user.post(`/api/v1/batches/${batch.id}/resume`);
  const ended = await user.finished(batch.id);
  expect(ended).toMatchObject({ state: "completed", records: { created: 1, updated: 1 } });
});
