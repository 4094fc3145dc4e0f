import { describe, expect, test } from "vitest";
import { settleChunk } from "../../../src/batches/settle/settle-chunk.ts";
import { StoredOutcomes } from "../../../src/batches/settle/stored-outcomes.ts";
import { inTransaction } from "../../../src/context.ts";
import { command, deliverChunk, refused, untilBatch } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import { expectExactlyOnce } from "../../support/exactly-once.ts";
import { closeGate } from "../../support/gate.ts";
import { activeJobs, jobsLeft } from "../../support/jobs.ts";
import { Program } from "../../support/processes.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { MEASURED } from "../../support/stopwatch.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const NOTHING = { processing: 0, success: 0, failed: 0, unprocessed: 0, undone: 0 };
const BOOKS = "/api/v1/batches?target=books";
const FOR_EVER = `${BOOKS}&row_delay_ms=600000`;

/** For the tests that need none of their own. */
const rowmill = useRowmill();

describe("pausing", () => {
  test("pausing stops a worker within about a second and discards its rows", MEASURED, async () => {
    await using rowmill = await startRowmill();
    await rowmill.startWorker();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(120, 5), FOR_EVER);
    // A fifth chunk waits: a worker has four places for one user.
    await untilBatch(user, batch.id, "is being processed", ({ counts }) => counts.processing === 100);
    const paused = await command(user, batch.id, "pause");
    expect(paused).toMatchObject({
      state: "paused",
      reason: "Paused by its owner.",
      finished_at: null,
      counts: { total: 125, pending: 125, ...NOTHING },
    });
    await until("no chunk is running", async () => (await activeJobs(rowmill.ctx)) === 0, 1500);
    expect((await user.rows(batch.id, "pending")).length).toBe(125);
    expect((await user.get("/api/v1/books")).body.items).toEqual([]);
  });

  test("pausing aborts the running write of a chunk and rolls it back", MEASURED, async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await using gate = await closeGate(rowmill.ctx);
    await rowmill.startWorker();
    const file = csv(25).replace("Title 24", "gate");
    const { body: batch } = await user.upload(file);
    await gate.reached();
    await command(user, batch.id, "pause");
    await until("the write has ended", async () => (await gate.waiting()) === 0, 1500);
    await until("no chunk is running", async () => (await activeJobs(rowmill.ctx)) === 0, 1500);
    expect((await user.get("/api/v1/books")).body.items).toEqual([]);
    await gate.open();
    await command(user, batch.id, "resume");
    await user.finished(batch.id);
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 25, bad: 0 });
  });

  test("pausing a queued batch keeps workers from starting it", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(100));
    expect((await command(user, batch.id, "pause")).state).toBe("paused");
    await rowmill.startWorker();
    await until("every job was looked at", async () => (await jobsLeft(rowmill.ctx)) === 0);
    const { body } = await user.batch(batch.id);
    expect(body).toMatchObject({ state: "paused", started_at: null, counts: { pending: 100, ...NOTHING } });
    await command(user, batch.id, "resume");
    await user.finished(batch.id);
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 100, bad: 0 });
  });

  test("pausing keeps committed rows", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(95, 5));
    await deliverChunk(rowmill.ctx, batch.id);
    const paused = await command(user, batch.id, "pause");
    expect(paused.counts).toMatchObject({ pending: 75, success: 24, failed: 1 });
    expect(await deliverChunk(rowmill.ctx, batch.id, 27)).toBeUndefined();
    expect((await user.batch(batch.id)).body.counts).toEqual(paused.counts);
  });

  test("pausing or resuming twice gives the same answer", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(30));
    const paused = await command(user, batch.id, "pause");
    expect(await command(user, batch.id, "pause")).toEqual(paused);
    const resumed = await command(user, batch.id, "resume");
    expect(resumed).toMatchObject({ state: "queued", reason: null, counts: { pending: 30 } });
    const jobs = await jobsLeft(rowmill.ctx);
    expect(await command(user, batch.id, "resume")).toEqual(resumed);
    expect(await jobsLeft(rowmill.ctx)).toBe(jobs);
  });

  test("concurrent pauses all get the same answer", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(30));
    for (const name of ["pause", "resume", "pause"]) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => command(user, batch.id, name)));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    }
  });

  test("pausing an ended batch answers 409", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(20, 5));
    await deliverChunk(rowmill.ctx, batch.id);
    const { status, body } = await refused(user, batch.id, "pause");
    expect(status).toBe(409);
    expect(body.detail).toBe(
      "A batch that is completed_with_errors cannot be paused. Only a queued or processing batch can.",
    );
  });
});

describe("resuming", () => {
  test("resuming ends a batch whose last rows were committed before the pause", async () => {
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\n,Nobody\n,None\n");
    await command(user, batch.id, "pause");
    // Outcomes of a row-wise target, which acts outside the database, are recorded even if its batch was stopped.
    const chunk = { batchId: batch.id, firstRow: 2, attempt: 1, firstAttempt: 1, rowCount: 2 };
    const outcome = { kind: "failed", errors: [{ column: "title", code: "required", message: "" }] } as const;
    await inTransaction(ctx, async (tx) => {
      const outcomes = new StoredOutcomes(tx, chunk);
      await outcomes.store([2, 3].map((row) => ({ row, outcome })));
      await settleChunk(tx, chunk, outcomes, { isPartial: true, keepsOutcomes: true });
    });
    expect((await user.batch(batch.id)).body).toMatchObject({ state: "paused", counts: { failed: 2 } });
    const resumed = await command(user, batch.id, "resume");
    expect(resumed).toMatchObject({ state: "completed_with_errors", reason: "2 rows failed." });
    expect(resumed.started_at).not.toBeNull();
    await expectExactlyOnce(ctx.pool, batch.id, { good: 0, bad: 2 });
  });

  test("resuming waits for a worker to release its chunk and does not deadlock", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    await using gate = await closeGate(ctx, "settle");
    await using worker = await Program.start("worker", rowmill.config.databaseUrl);
    const { body: batch } = await user.upload(csv(25));
    await gate.reached();
    await command(user, batch.id, "pause");
    const resuming = command(user, batch.id, "resume");
    for (let look = 0; look < 20; look++) {
      const { state } = (await user.batch(batch.id)).body;
      // The worker notices the pause within a second, and then releases its chunk as well.
      if ((await gate.waiting()) === 0) break;
      expect(state).toBe("paused");
    }
    await gate.open();
    expect((await resuming).state).toBe("queued");
    await user.finished(batch.id);
    await expectExactlyOnce(ctx.pool, batch.id, { good: 25, bad: 0 });
    expect(worker.lines("job failed")).toEqual([]);
  });

  test("pausing and resuming repeatedly while workers write processes every row once", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(9500, 500));
    for (let round = 0; round < 15; round++) {
      const { counts } = await command(user, batch.id, "pause");
      await command(user, batch.id, "resume");
      if (round % 3 > 0) continue;
      await untilBatch(user, batch.id, "goes on", (now) => now.counts.success > counts.success);
    }
    await user.finished(batch.id);
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 9500, bad: 500 });
  });

  test("resuming continues a paced batch behind a chunk that waits for its retry", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    await addTrigger(
      ctx.pool,
      "hinder",
      "BEFORE INSERT ON rowmill.books FOR EACH ROW",
      `IF NEW.title = 'Title 3' AND NOT EXISTS (SELECT 1 FROM rowmill.chunks WHERE attempt > 1) THEN
        RAISE EXCEPTION 'later' USING ERRCODE = '40001'; END IF; RETURN NEW;`,
    );
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(75), `${BOOKS}&rows_per_second=100`);
    await deliverChunk(ctx, batch.id);
    await command(user, batch.id, "pause");
    await command(user, batch.id, "resume");
    await rowmill.startWorker();
    await user.finished(batch.id);
    await expectExactlyOnce(ctx.pool, batch.id, { good: 75, bad: 0 });
  });
});

describe("of an atomic batch", () => {
  test("pausing a running atomic batch keeps nothing, and resuming starts it over", MEASURED, async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await using gate = await closeGate(rowmill.ctx);
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(100).replace("Title 60", "gate"), `${BOOKS}&policy=atomic`);
    await gate.reached();
    const paused = await command(user, batch.id, "pause");
    expect(paused).toMatchObject({
      counts: { total: 100, pending: 100, ...NOTHING },
      records: { created: 0 },
    });
    await until(
      "its job is given up",
      async () => (await activeJobs(rowmill.ctx, "batch.process-whole")) === 0,
      1500,
    );
    expect((await user.get("/api/v1/books")).body.items).toEqual([]);
    await gate.open();
    await command(user, batch.id, "resume");
    expect((await user.finished(batch.id)).state).toBe("completed");
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 100, bad: 0 });
  });

  test("resuming an atomic batch right after a pause leaves one valid run", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await using gate = await closeGate(rowmill.ctx);
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(100).replace("Title 60", "gate"), `${BOOKS}&policy=atomic`);
    await gate.reached();
    await command(user, batch.id, "pause");
    await command(user, batch.id, "resume");
    await gate.open();
    const ended = await user.finished(batch.id);
    expect(ended).toMatchObject({ state: "completed", counts: { success: 100 }, records: { created: 100 } });
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 100, bad: 0 });
  });
});
