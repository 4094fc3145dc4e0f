import { expect, test } from "vitest";
import { reconcile } from "../../src/batches/upkeep/reconcile.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { count } from "../support/count.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { timed } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

const ROWS = 80_000;
const file = csv(ROWS);

/** An upload of which some segments are committed and much is still to come. */
async function halfUpload(rowmill: Programs, user: Client): Promise<SlowUpload> {
  const upload = new SlowUpload(user);
  await upload.send(file);
  await until("a segment is stored", async () => (await storedRows(rowmill)) > 0);
  return upload;
}

const storedRows = ({ ctx }: Programs) => count(ctx.pool, "SELECT count(*) FROM rowmill.batch_rows");

async function left({ ctx }: Programs): Promise<Record<string, number>> {
  const tables = ["batches", "batch_rows", "chunks", "row_results", "books"];
  const counts = await Promise.all(
    tables.map((table) => count(ctx.pool, `SELECT count(*) FROM rowmill.${table}`)),
  );
  const jobs = await count(ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE name LIKE 'batch.%'");
  return { ...Object.fromEntries(tables.map((table, index) => [table, counts[index] ?? 0])), jobs };
}

const NOTHING = { batches: 0, batch_rows: 0, chunks: 0, row_results: 0, books: 0, jobs: 0 };

const inTenMinutes = () => new Date(Date.now() + 600_000);

test("an upload whose API was killed never runs, and is removed", async () => {
  await using rowmill = await startPrograms();
  const killed = await rowmill.startApi();
  const other = await rowmill.startApi();
  const user = await killed.client.signUp("reader");
  const worker = await rowmill.startWorker();
  using upload = await halfUpload(rowmill, user);
  await killed.program.kill();
  expect(await upload.answer).toBeNull();

  const { ctx } = rowmill;
  const userElsewhere = other.clientOf(user);
  const { body: list } = await userElsewhere.get<{ items: { id: string; state: string }[] }>(
    "/api/v1/batches",
  );
  expect(list.items).toMatchObject([{ state: "receiving" }]);
  // PostgreSQL commits what a killed program has already sent.
  const busy =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
  await until("no session writes any more", async () => (await count(ctx.pool, busy)) === 0);
  const stored = await storedRows(rowmill);
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(ROWS);
  expect(await reconcile(ctx)).toEqual({
    uploadsRemoved: 0,
    batchesRequeued: 0,
    chunksRequeued: 0,
    chunksGivenUp: 0,
  });
  expect(await left(rowmill)).toEqual({ ...NOTHING, batches: 1, batch_rows: stored });

  // The client goes on, with the other API.
  const { body: again, status } = await userElsewhere.upload(csv(300));
  expect(status).toBe(202);
  await userElsewhere.finished(again.id);

  const removed = await reconcile({ ...ctx, now: inTenMinutes });
  expect(removed).toEqual({ uploadsRemoved: 1, batchesRequeued: 0, chunksRequeued: 0, chunksGivenUp: 0 });
  expect(await storedRows(rowmill)).toBe(300);
  await expectExactlyOnce(ctx.pool, again.id, { good: 300, bad: 0 });
  expect((await userElsewhere.batch(list.items[0]?.id ?? "")).status).toBe(404);
  const worked = new Set((await worker.logged("chunk received")).map(({ batchId }) => batchId));
  expect([...worked]).toEqual([again.id]);
});

test("an API that is stopped during an upload does not wait for it", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const user = await api.client.signUp("reader");
  using upload = await halfUpload(rowmill, user);
  const { result, ms } = await timed(() => api.program.stop());
  expect(result).toEqual({ code: 0, signal: null });
  expect(ms).toBeLessThan(20_000);
  expect((await upload.answer)?.status).not.toBe(202);
  await reconcile({ ...rowmill.ctx, now: inTenMinutes });
  expect(await left(rowmill)).toEqual(NOTHING);
});

test("an upload that upkeep removed meanwhile is refused and leaves nothing", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const user = await api.client.signUp("reader");
  using upload = await halfUpload(rowmill, user);
  const removed = await reconcile({ ...rowmill.ctx, now: inTenMinutes });
  expect(removed.uploadsRemoved).toBe(1);
  await upload.send(file.slice(file.indexOf("\n") + 1));
  expect(await upload.end()).toMatchObject({ status: 409, type: expect.stringContaining("problem+json") });
  expect(await left(rowmill)).toEqual(NOTHING);
});

test("a client that disconnects during its upload leaves nothing", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const user = await api.client.signUp("reader");
  const upload = await halfUpload(rowmill, user);
  upload[Symbol.dispose]();
  await until("the batch is gone", async () => (await left(rowmill)).batches === 0);
  expect(await left(rowmill)).toEqual(NOTHING);
});
