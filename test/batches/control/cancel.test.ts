import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { newBatchId } from "../../../src/batches/ids.ts";
import {
  command,
  deliverChunk,
  deliverUndo,
  deliverWhole,
  refused,
  untilBatch,
} from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { closeGate } from "../../support/gate.ts";
import { activeJobs, announcedEnds, jobsLeft } from "../../support/jobs.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { SlowUpload } from "../../support/slow-upload.ts";
import { MEASURED } from "../../support/stopwatch.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const BOOKS = "/api/v1/batches?target=books";

const bookCount = async ({ ctx }: Rowmill) =>
  (await ctx.pool.query("SELECT count(*)::int AS count FROM rowmill.books")).rows[0].count;

/** For the tests that need none of their own. */
const rowmill = useRowmill();

describe("cancelling", () => {
  test("cancelling keeps committed rows and leaves the others unprocessed", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(90, 10));
    await deliverChunk(ctx, batch.id, 27);
    const cancelled = await command(user, batch.id, "cancel");
    expect(cancelled).toMatchObject({ state: "cancelled", reason: "Cancelled by its owner." });
    expect(cancelled.finished_at).not.toBeNull();
    expect(cancelled.counts).toMatchObject({ total: 100, pending: 0, processing: 0, unprocessed: 75 });
    const { success, failed } = cancelled.counts;
    expect(success + failed).toBe(25);
    const unprocessed = await user.rows(batch.id, "unprocessed");
    expect(unprocessed.map(({ row }) => row)).toEqual([
      ...Array.from({ length: 25 }, (_, index) => index + 2),
      ...Array.from({ length: 50 }, (_, index) => index + 52),
    ]);
    expect(unprocessed[0]).toMatchObject({ status: "unprocessed", attempts: 0, completed_at: null });
    expect(await user.rows(batch.id, "pending")).toEqual([]);
    expect(await user.rows(batch.id, "processing")).toEqual([]);
    expect(await user.rows(batch.id, "success")).toHaveLength(success);
    expect(await bookCount(rowmill)).toBe(success);
    expect(await announcedEnds(ctx, batch.id)).toBe(1);
  });

  test("cancelling stops a worker within about a second and discards its rows", MEASURED, async () => {
    await using rowmill = await startRowmill();
    await rowmill.startWorker();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(75), `${BOOKS}&row_delay_ms=600000`);
    await untilBatch(user, batch.id, "is being processed", ({ counts }) => counts.processing === 75);
    const { counts } = await command(user, batch.id, "cancel");
    expect(counts).toMatchObject({ unprocessed: 75, processing: 0, success: 0 });
    await until("no chunk is running", async () => (await activeJobs(rowmill.ctx)) === 0, 1500);
    expect(await user.rows(batch.id, "unprocessed")).toHaveLength(75);
  });

  test("cancelling aborts the running write of a chunk and rolls it back", MEASURED, async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await using gate = await closeGate(rowmill.ctx);
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(25).replace("Title 24", "gate"));
    await gate.reached();
    await command(user, batch.id, "cancel");
    await until("the write has ended", async () => (await gate.waiting()) === 0, 1500);
    await until("no job is left", async () => (await jobsLeft(rowmill.ctx)) === 0);
    expect(await bookCount(rowmill)).toBe(0);
    expect(await user.rows(batch.id, "unprocessed")).toHaveLength(25);
  });

  test("chunks of a cancelled batch that are delivered late do nothing", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(100));
    const { counts } = await command(user, batch.id, "cancel");
    for (const firstRow of [2, 27, 52, 77])
      expect(await deliverChunk(ctx, batch.id, firstRow)).toBeUndefined();
    await rowmill.startWorker();
    await until("every job was looked at", async () => (await jobsLeft(ctx)) === 0);
    expect((await user.batch(batch.id)).body.counts).toEqual(counts);
    expect(await bookCount(rowmill)).toBe(0);
  });

  test("cancelling twice gives the same answer and is announced once", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(30));
    const answers = await Promise.all([1, 2, 3].map(() => command(user, batch.id, "cancel")));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await command(user, batch.id, "cancel")).toEqual(answers[0]);
    expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(1);
  });

  test("cancelling ends a paused batch", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(50));
    await deliverChunk(rowmill.ctx, batch.id);
    await command(user, batch.id, "pause");
    const { state, counts } = await command(user, batch.id, "cancel");
    expect(state).toBe("cancelled");
    expect(counts).toMatchObject({ success: 25, unprocessed: 25, pending: 0 });
  });

  test("cancelling a checked dry run ends it and is announced separately", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await rowmill.startWorker();
    const { body: batch } = await user.upload(csv(20, 5), `${BOOKS}&dry_run=true`);
    expect((await user.finished(batch.id)).state).toBe("validated");
    const { state, counts } = await command(user, batch.id, "cancel");
    expect(state).toBe("cancelled");
    expect(counts).toMatchObject({ success: 0, failed: 5, unprocessed: 20 });
    expect(await user.rows(batch.id, "unprocessed")).toHaveLength(20);
    expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(2);
  });

  test("cancelling a running atomic batch counts no row as a success", MEASURED, async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await using gate = await closeGate(rowmill.ctx);
    await rowmill.startWorker();
    const file = csv(95, 5).replace("Title 97", "gate");
    const { body: batch } = await user.upload(file, `${BOOKS}&policy=atomic`);
    await gate.reached();
    const { counts, records } = await command(user, batch.id, "cancel");
    expect(counts).toMatchObject({ success: 0, failed: 3, unprocessed: 97, pending: 0, processing: 0 });
    expect(records).toEqual({ created: 0, updated: 0, unchanged: 0 });
    await until(
      "its job is given up",
      async () => (await activeJobs(rowmill.ctx, "batch.process-whole")) === 0,
      1500,
    );
    expect((await user.batch(batch.id)).body.counts).toEqual(counts);
    expect(await user.rows(batch.id, "unprocessed")).toHaveLength(97);
    expect(await user.rows(batch.id, "success")).toEqual([]);
    expect(await bookCount(rowmill)).toBe(0);
  });

  test("cancelling an upload in progress answers 409 with a way out", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    using upload = new SlowUpload(user);
    // More than the first block, from which the dialect is guessed.
    await upload.send(csv(5000));
    const id = await until("the batch is there", async () => {
      const { rows } = await rowmill.ctx.pool.query("SELECT id FROM rowmill.batches");
      return rows[0]?.id ?? null;
    });
    const { status, body } = await refused(user, id, "cancel");
    expect([status, body.detail]).toEqual([
      409,
      "The file is still being uploaded. To discard the batch, abort the upload.",
    ]);
    for (const name of ["pause", "resume", "retry", "undo"]) {
      const answer = await refused(user, id, name);
      expect([name, answer.status]).toEqual([name, 409]);
      expect(answer.body.detail).toMatch(
        /^A batch that is receiving cannot be \w+\. Only an? .+ batch can\.$/,
      );
    }
    expect((await upload.end())?.status).toBe(202);
  });
});

/** Every command there is, as a request. */
const COMMANDS: readonly [method: string, path: string, body?: object][] = [
  ["POST", "/pause"],
  ["POST", "/resume"],
  ["POST", "/cancel"],
  ["POST", "/commit"],
  ["POST", "/undo"],
  ["POST", "/retry"],
  ["POST", "/rows/3/retry"],
  ["PATCH", "/rows/3", { fields: { title: "Emma" } }],
  ["DELETE", ""],
];

const send = (user: Client, id: string, [method, path, body]: (typeof COMMANDS)[number]) =>
  user.send<Problem>(method, `/api/v1/batches/${id}${path}`, {
    ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
  });

describe("a command", () => {
  test("a command in the wrong state answers 409, names the allowed states and changes nothing", async () => {
    const { ctx } = rowmill;
    const owner = await rowmill.newUser();
    const upload = async (content: string, options = "") => {
      const { body } = await owner.upload(content, `${BOOKS}${options}`);
      return body.id;
    };
    const batches: Record<string, string> = {
      queued: await upload(csv(6)),
      completed: await upload(csv(3)),
      completed_with_errors: await upload(csv(3, 1)),
      failed: await upload(csv(0, 30), "&max_errors=1"),
      validated: await upload(csv(4), "&dry_run=true"),
      paused: await upload(csv(7)),
      cancelled: await upload(csv(8)),
      processing: await upload(csv(60)),
      undoing: await upload(csv(9).replaceAll("Title", "Undoing")),
      undone: await upload(csv(5).replaceAll("Title", "Undone")),
    };
    const idOf = (state: string) => batches[state] ?? "";
    for (const state of ["completed", "completed_with_errors", "failed", "processing", "undoing", "undone"])
      await deliverChunk(ctx, idOf(state));
    await deliverWhole(ctx, idOf("validated"));
    await command(owner, idOf("paused"), "pause");
    await command(owner, idOf("cancelled"), "cancel");
    await command(owner, idOf("undoing"), "undo");
    await command(owner, idOf("undone"), "undo");
    await deliverUndo(ctx, idOf("undone"));

    const allowed: Record<string, string[]> = {
      "POST /pause": ["queued", "processing", "paused"],
      "POST /resume": ["paused", "queued", "processing"],
      "POST /cancel": ["queued", "processing", "paused", "validated", "cancelled"],
      "POST /commit": ["validated"],
      "POST /undo": ["completed", "completed_with_errors", "failed", "cancelled", "undoing", "undone"],
      "POST /retry": ["completed_with_errors", "failed", "cancelled", "validated"],
      "POST /rows/3/retry": ["completed_with_errors", "failed", "cancelled", "validated"],
      "PATCH /rows/3": ["completed_with_errors", "failed", "cancelled", "validated"],
      "DELETE ": ["completed", "completed_with_errors", "failed", "cancelled", "validated", "undone"],
    };
    for (const [state, id] of Object.entries(batches)) {
      const before = (await owner.batch(id)).body;
      expect(before.state).toBe(state);
      for (const request of COMMANDS) {
        const name = `${request[0]} ${request[1]}`;
        if (allowed[name]?.includes(state)) continue;
        const { status, body } = await send(owner, id, request);
        expect([state, name, status, body.code]).toEqual([state, name, 409, "conflict"]);
        if (name === "POST /commit")
          expect(body.detail).toBe("The batch is not a dry run, so there is nothing to commit.");
        else
          expect(body.detail).toMatch(
            new RegExp(`^A batch that is ${state} cannot be \\w+\\. Only an? .+ batch can\\.$`),
          );
      }
      const { seconds_left: _, rows_per_second: __, ...after } = (await owner.batch(id)).body;
      expect(before).toMatchObject(after);
    }
  });

  test("a command on another user's batch answers the same 404 as on an unknown one", async () => {
    const owner = await rowmill.newUser();
    const stranger = await rowmill.newUser();
    const { body: batch } = await owner.upload(csv(20, 5));
    await deliverChunk(rowmill.ctx, batch.id);
    const before = (await owner.batch(batch.id)).body;
    const none = newBatchId(new Date());
    for (const request of COMMANDS) {
      const theirs = await send(stranger, batch.id, request);
      expect([request, theirs.status]).toEqual([request, 404]);
      const unknown = await send(stranger, none, request);
      expect(theirs.body).toEqual(unknown.body);
      expect((await send(stranger, randomUUID(), request)).body).toEqual(unknown.body);
    }
    expect((await owner.batch(batch.id)).body).toEqual(before);
  });

  test("a command with an invalid id answers 400, and without a token 401", async () => {
    const user = await rowmill.newUser();
    for (const request of COMMANDS) {
      for (const id of ["1", "none", "null", `urn:uuid:${randomUUID()}`]) {
        expect([request, id, (await send(user, id, request)).status]).toEqual([request, id, 400]);
      }
      expect((await send(rowmill.client, randomUUID(), request)).status).toBe(401);
    }
  });
});
