import { expect, test } from "vitest";
import { chunkJobId } from "../../../src/batches/batch-jobs.ts";
import { processChunk } from "../../../src/batches/process/process-chunk.ts";
import { inTransaction } from "../../../src/context.ts";
import { deliverChunk, delivery } from "../../support/batches.ts";
import { csv, titled } from "../../support/book-files.ts";
import { expectExactlyOnce } from "../../support/exactly-once.ts";
import { testOnOneServer } from "../../support/one-server.ts";
import { Program } from "../../support/processes.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { addTrigger } from "../../support/triggers.ts";

/** Makes the database refuse books as the PL/pgSQL of `rule` says. */
const refuseBooks = ({ ctx }: Rowmill, rule: string) =>
  addTrigger(ctx.pool, "refuse", "BEFORE INSERT ON rowmill.books FOR EACH ROW", `${rule} RETURN NEW;`);

const POISON = `IF NEW.title = 'poison' THEN
  RAISE EXCEPTION 'the cellar refuses this book' USING ERRCODE = '23514'; END IF;`;

const BUSY = `IF NEW.title = 'busy' THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF;`;

/** Fails until its chunk is tried for the second time. */
const FLAKY = `IF NEW.title = 'flaky' AND NOT EXISTS (SELECT 1 FROM rowmill.chunks WHERE attempt > 1) THEN
  RAISE EXCEPTION 'not yet' USING ERRCODE = '40001'; END IF;`;

test("only the rows that the database refuses fail", async () => {
  await using rowmill = await startRowmill();
  await refuseBooks(rowmill, POISON);
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const poisoned = [2, 3, 14, 26, 60, 100, 101];
  const file = titled(100, Object.fromEntries(poisoned.map((row) => [row, "poison"])));
  const { body: batch } = await user.upload(file);
  await user.finished(batch.id);
  const failed = await user.rows(batch.id, "failed");
  expect(failed.map(({ row }) => row)).toEqual(poisoned);
  for (const row of failed) {
    expect(row).toMatchObject({ attempts: 1, error_code: "database_23514", record_id: null });
    expect(row.error_message).toBe("the cellar refuses this book");
    expect(row.errors).toEqual([
      { column: null, code: "database_23514", message: "the cellar refuses this book" },
    ]);
  }
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 93, bad: 7 });
});

test("a batch ends if every row is refused or breaks a rule", async () => {
  await using rowmill = await startRowmill();
  await refuseBooks(rowmill, POISON);
  await rowmill.startWorker();
  for (const file of [titled(60, {}).replaceAll(/Title \d+/g, "poison"), csv(0, 60)]) {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(file);
    expect((await user.finished(batch.id)).state).toBe("completed_with_errors");
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 0, bad: 60 });
  }
});

test("only rows with temporary failures are retried", async () => {
  await using rowmill = await startRowmill();
  await refuseBooks(rowmill, FLAKY + POISON);
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(titled(25, { 5: "flaky", 9: "poison", 26: "flaky" }));
  await user.finished(batch.id);
  const rows = await user.rows(batch.id);
  const triedTwice = rows.filter(({ attempts }) => attempts === 2);
  expect(triedTwice.map(({ row, status }) => [row, status])).toEqual([
    [5, "success"],
    [26, "success"],
  ]);
  expect(rows.filter(({ attempts }) => attempts === 1)).toHaveLength(23);
  expect(rows.filter(({ status }) => status === "failed").map(({ row }) => row)).toEqual([9]);
  expect(new Set(rows.map(({ job_id }) => job_id)).size).toBe(2);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 24, bad: 1 });
});

test("a row fails after its last retry", async () => {
  await using rowmill = await startRowmill({ ROW_MAX_RETRIES: "2" });
  await refuseBooks(rowmill, BUSY);
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(titled(30, { 7: "busy" }));
  await user.finished(batch.id);
  expect(await user.rows(batch.id, "failed")).toMatchObject([
    {
      row: 7,
      attempts: 3,
      error_code: "database_conflict",
      error_message: "Gave up after 3 attempts: try again",
    },
  ]);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 29, bad: 1 });
});

test("without retries a row with a temporary failure fails at once", async () => {
  await using rowmill = await startRowmill({ ROW_MAX_RETRIES: "0" });
  await refuseBooks(rowmill, BUSY);
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(titled(3, { 2: "busy" }));
  await deliverChunk(rowmill.ctx, batch.id);
  expect((await user.batch(batch.id)).body.state).toBe("completed_with_errors");
  expect(await user.rows(batch.id, "failed")).toMatchObject([{ row: 2, attempts: 1 }]);
});

test("the delay before each retry grows up to a minute", async () => {
  await using rowmill = await startRowmill({ ROW_MAX_RETRIES: "10" });
  const { pool } = rowmill.ctx;
  await refuseBooks(rowmill, BUSY);
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(titled(3, { 3: "busy" }));
  for (const [index, most] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    await deliverChunk(rowmill.ctx, batch.id);
    const { rows } = await pool.query(
      `SELECT attempt, chunks.state, extract(epoch FROM due_at - updated_at)::float AS pause,
        extract(epoch FROM start_after - created_on)::float AS "jobPause"
      FROM rowmill.chunks CROSS JOIN rowmill_queue.job WHERE job.name = 'batch.process-chunk' AND job.id = $1`,
      [chunkJobId({ batchId: batch.id, firstRow: 2 }, index + 2)],
    );
    const [chunk] = rows;
    expect(chunk).toMatchObject({ attempt: index + 2, state: "queued" });
    expect(chunk.pause).toBeGreaterThanOrEqual(most / 2);
    expect(chunk.pause).toBeLessThanOrEqual(most);
    expect(Math.abs(chunk.jobPause - chunk.pause)).toBeLessThan(1);
  }
});

test("a row that waits for its retry shows it in its status", async () => {
  await using rowmill = await startRowmill();
  await refuseBooks(rowmill, BUSY);
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(titled(3, { 3: "busy" }));
  await deliverChunk(rowmill.ctx, batch.id);
  const { body } = await user.batch(batch.id);
  expect(body.state).toBe("processing");
  expect(body.counts).toEqual({
    total: 3,
    pending: 1,
    processing: 0,
    success: 2,
    failed: 0,
    unprocessed: 0,
    undone: 0,
  });
  expect((await user.rows(batch.id, "pending")).map(({ row }) => row)).toEqual([3]);
});

test("a delivery that fails before the commit leaves no trace", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(20, 5));
  const work = { batchId: batch.id, firstRow: 2 };
  const failing = inTransaction(ctx, async (tx) => {
    await processChunk(ctx, tx, work, delivery(work));
    throw new Error("just before the commit");
  });
  await expect(failing).rejects.toThrow("just before the commit");
  expect((await user.batch(batch.id)).body.counts).toMatchObject({ processing: 25, success: 0, failed: 0 });
  await deliverChunk(rowmill.ctx, batch.id);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 20, bad: 5 });
});

test("a chunk whose claim was lost stops before it stores results", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(25));
  const work = { batchId: batch.id, firstRow: 2 };
  const lost = { ...delivery(work), signal: AbortSignal.abort() };
  await expect(inTransaction(ctx, (tx) => processChunk(ctx, tx, work, lost))).rejects.toThrow();
  expect((await user.batch(batch.id)).body.counts.success).toBe(0);
  await deliverChunk(rowmill.ctx, batch.id);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 25, bad: 0 });
});

test("rows of a chunk are delayed in parallel", async () => {
  await using rowmill = await startRowmill({ ROW_DELAY_MS: "300" });
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(csv(25));
  const { started_at, finished_at } = await user.finished(batch.id);
  const tookMs = Date.parse(finished_at ?? "") - Date.parse(started_at ?? "");
  expect(tookMs).toBeGreaterThanOrEqual(299);
  // One after the other, they would take 7.5 seconds.
  expect(tookMs).toBeLessThan(7000);
});

test("a worker logs each chunk twice with ids and numbers but no contents", async () => {
  await using rowmill = await startRowmill();
  await refuseBooks(rowmill, POISON);
  const user = await rowmill.client.signUp("mary-wollstonecraft");
  await using worker = await Program.start("worker", rowmill.config.databaseUrl);
  const { body: batch } = await user.upload(titled(75, { 4: "poison" }));
  await user.finished(batch.id);
  await worker.logged("batch finished");
  const firstRows = [2, 27, 52];
  const received = await worker.logged("chunk received", 3);
  expect(received.map(({ firstRow }) => Number(firstRow)).sort((a, b) => a - b)).toEqual(firstRows);
  const succeeded = await worker.logged("chunk succeeded", 3);
  expect(succeeded.map(({ firstRow }) => Number(firstRow)).sort((a, b) => a - b)).toEqual(firstRows);
  for (const line of succeeded) {
    expect(line).toMatchObject({
      level: 30,
      batchId: batch.id,
      jobId: chunkJobId({ batchId: batch.id, firstRow: Number(line.firstRow) }, 1),
      rows: 25,
      attempt: 1,
      delivery: 1,
      retried: 0,
    });
    expect(line.ms).toEqual(expect.any(Number));
  }
  expect(succeeded.find(({ firstRow }) => firstRow === 2)).toMatchObject({ succeeded: 24, failed: 1 });
  expect(worker.output).not.toMatch(/Title|Author|poison|cellar|wollstonecraft/i);
});

// Nodes of Citus do not have the sequence.
testOnOneServer("a worker logs why a delivery failed without contents", async () => {
  await using rowmill = await startRowmill();
  // Ends the session in mid-write, so that the whole chunk is delivered again.
  await refuseBooks(
    rowmill,
    `IF NEW.title = 'fatal' AND nextval('rowmill.deaths') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;`,
  );
  await rowmill.ctx.pool.query("CREATE SEQUENCE rowmill.deaths");
  const user = await rowmill.newUser();
  await using worker = await Program.start("worker", rowmill.config.databaseUrl);
  const { body: batch } = await user.upload(titled(25, { 6: "fatal" }));
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 25, bad: 0 });
  expect((await worker.logged("chunk received", 2)).map(({ delivery }) => delivery)).toEqual([1, 1]);
  expect(worker.hasEnded).toBe(false);
  expect(worker.output).not.toMatch(/Title|Author|fatal"/);
  expect(await worker.logged("job failed")).toMatchObject([
    {
      job: "batch.process-chunk",
      jobId: chunkJobId({ batchId: batch.id, firstRow: 2 }, 1),
      delivery: 1,
      err: {},
    },
  ]);
});
