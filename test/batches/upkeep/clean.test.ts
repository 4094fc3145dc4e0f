import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { removeExpiredSessions } from "../../../src/accounts/sessions/remove-expired-sessions.ts";
import { removeOldBatches } from "../../../src/batches/upkeep/remove-old-batches.ts";
import { jobs } from "../../../src/jobs.ts";
import { csv } from "../../support/book-files.ts";
import type { Client } from "../../support/client.ts";
import { count, countRowWaits } from "../../support/count.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";

async function finishedBatch(user: Client, file: string, mode = "append"): Promise<string> {
  const { body } = await user.upload(file, `/api/v1/batches?mode=${mode}`);
  await user.finished(body.id);
  return body.id;
}

/** How many rows each table has of a batch. */
async function left({ ctx }: Rowmill, batchId: string): Promise<Record<string, number>> {
  const { rows } = await ctx.pool.query(
    `SELECT (SELECT count(*)::int FROM rowmill.batches WHERE id = $1) AS batches,
      (SELECT count(*)::int FROM rowmill.batch_rows WHERE batch_id = $1) AS rows,
      (SELECT count(*)::int FROM rowmill.row_results WHERE batch_id = $1) AS results,
      (SELECT count(*)::int FROM rowmill.chunks WHERE batch_id = $1) AS chunks,
      (SELECT count(*)::int FROM rowmill_queue.job WHERE data->>'batchId' = $1::text AND name = 'batch.process-chunk') AS jobs`,
    [batchId],
  );
  return rows[0];
}

const GONE = { batches: 0, rows: 0, results: 0, chunks: 0, jobs: 0 };

async function age({ ctx }: Rowmill, batchId: string, days: number): Promise<void> {
  const columns = ["created_at", "received_at", "queued_at", "started_at", "finished_at"];
  // In two statements, because Citus refuses the calculation in an UPDATE.
  const { rows } = await ctx.pool.query<Record<string, Date | null>>(
    `SELECT ${columns.map((name) => `${name} - make_interval(days => $2) AS ${name}`)} FROM rowmill.batches WHERE id = $1`,
    [batchId, days],
  );
  await ctx.pool.query(
    `UPDATE rowmill.batches SET ${columns.map((name, at) => `${name} = $${at + 2}`)} WHERE id = $1`,
    [batchId, ...columns.map((name) => rows[0]?.[name])],
  );
}

test("finished batches and their data are removed after RETENTION_DAYS, and their books stay", async () => {
  await using rowmill = await startRowmill({ RETENTION_DAYS: "7" });
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const [old, oldWithErrors, young] = [
    await finishedBatch(user, csv(60)),
    await finishedBatch(user, csv(50, 10)),
    await finishedBatch(user, csv(30)),
  ];
  await age(rowmill, old, 8);
  await age(rowmill, oldWithErrors, 8);
  await age(rowmill, young, 6);
  expect(await removeOldBatches(rowmill.ctx)).toBe(2);
  expect(await left(rowmill, old)).toEqual(GONE);
  expect(await left(rowmill, oldWithErrors)).toEqual(GONE);
  expect(await left(rowmill, young)).toEqual({ batches: 1, rows: 30, results: 30, chunks: 2, jobs: 2 });
  expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.books")).toBe(140);
  expect((await user.batch(old)).status).toBe(404);
  expect(await removeOldBatches(rowmill.ctx)).toBe(0);
});

test("an expired batch stays if its owner retries it while others are removed", async () => {
  await using rowmill = await startRowmill({ RETENTION_DAYS: "7" });
  const { ctx } = rowmill;
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const id = await finishedBatch(user, csv(0, 10));
  await age(rowmill, id, 8);
  const holder = await ctx.pool.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM rowmill.batches WHERE id = $1 FOR UPDATE", [id]);
  const retried = user.post(`/api/v1/batches/${id}/retry`);
  await until("the retry waits", async () => (await countRowWaits(ctx.pool)) === 1);
  const removed = removeOldBatches(ctx);
  await until("the removal waits", async () => (await countRowWaits(ctx.pool)) === 2);
  await holder.query("COMMIT");
  holder.release();
  expect((await retried).status).toBe(202);
  expect(await removed).toBe(0);
  expect(await left(rowmill, id)).toMatchObject({ batches: 1, rows: 10 });
});

test("the jobs of retries are removed with their batch", async () => {
  await using rowmill = await startRowmill({ ROW_MAX_RETRIES: "1" });
  const { pool } = rowmill.ctx;
  const event = "BEFORE INSERT ON rowmill.books FOR EACH ROW";
  await addTrigger(pool, "refuse", event, "RAISE EXCEPTION 'try again' USING ERRCODE = '40001';");
  await rowmill.startWorker();
  const batchId = await finishedBatch(await rowmill.newUser(), csv(3), "insert");
  expect(await left(rowmill, batchId)).toMatchObject({ chunks: 1, jobs: 2 });
  await age(rowmill, batchId, 31);
  expect(await removeOldBatches(rowmill.ctx)).toBe(1);
  expect(await left(rowmill, batchId)).toEqual(GONE);
});

test("open batches stay whatever their age", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const ids: string[] = [];
  for (const state of ["receiving", "queued", "processing"]) {
    const { body } = await user.upload(csv(30));
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET state = $2 WHERE id = $1", [body.id, state]);
    await age(rowmill, body.id, 5000);
    ids.push(body.id);
  }
  expect(await removeOldBatches(rowmill.ctx)).toBe(0);
  for (const id of ids) {
    expect(await left(rowmill, id)).toEqual({ batches: 1, rows: 30, results: 0, chunks: 2, jobs: 2 });
  }
});

test("only expired refresh tokens are removed", async () => {
  await using rowmill = await startRowmill({ REFRESH_TOKEN_TTL_SECONDS: "1000" });
  const [early, late] = [await rowmill.newUser(), await rowmill.newUser()];
  const { pool } = rowmill.ctx;
  await pool.query(
    "UPDATE rowmill.refresh_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1",
    [early.userId],
  );
  expect(await removeExpiredSessions(rowmill.ctx)).toBe(1);
  expect(await count(pool, "SELECT count(*) FROM rowmill.refresh_tokens")).toBe(1);
  expect(
    await count(pool, "SELECT count(*) FROM rowmill.refresh_tokens WHERE user_id = $1", [late.userId]),
  ).toBe(1);
  expect(await count(pool, "SELECT count(*) FROM rowmill.users")).toBe(2);
});

test("cleaning runs as a job", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const old = await finishedBatch(user, csv(30));
  await age(rowmill, old, 31);
  await ctx.pool.query("UPDATE rowmill.refresh_tokens SET expires_at = now() - interval '1 second'");
  await ctx.queue.add(ctx.db, jobs.clean, [{ id: randomUUID(), payload: {} }]);
  await until(
    "it is cleaned",
    async () => (await count(ctx.pool, "SELECT count(*) FROM rowmill.refresh_tokens")) === 0,
  );
  expect(await left(rowmill, old)).toEqual(GONE);
});
