import { describe, expect, test } from "vitest";
import { errorLimit, MAX_ERRORS } from "../../../src/batches/settle/error-limit.ts";
import { titled } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { startWithGate } from "../../support/gate.ts";
import { announcedEnds } from "../../support/jobs.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

describe("the limit", () => {
  test.for<[string, number, number]>([
    ["1", 1000, 1],
    ["100", 10, 100],
    ["007", 1000, 7],
    ["5%", 1000, 50],
    ["5%", 10, 1],
    ["0%", 1000, 1],
    ["0.1%", 1000, 1],
    ["0.15%", 1000, 2],
    ["100%", 1000, 1000],
    ["12.5%", 8, 1],
    ["50%", 3, 2],
  ])("max_errors of %s among %i rows is reached at %i failures", ([maxErrors, rows, limit]) => {
    expect(errorLimit(maxErrors, rows)).toBe(limit);
  });

  test.for(["1", "999999999", "0%", "0.001%", "99.999%", "100%"])("max_errors may be %s", (text) => {
    expect(text).toMatch(MAX_ERRORS);
  });

  test.for(["", "0", "-1", "1.5", "1e3", "1000000000", "101%", "100.1%", "00%", "5 %", "%", "5%5"])(
    "can't be %j",
    (text) => {
      expect(text).not.toMatch(MAX_ERRORS);
    },
  );
});

describe("a batch", () => {
  const rowmill = useRowmill({ settings: { WORKER_CONCURRENCY: "1" }, worker: true, gate: true });

  const uploadUpTo = async (user: Client, maxErrors: string, content: string, query = {}) =>
    (await uploadForm(user, content, { query: { max_errors: maxErrors, ...query } })).body;

  const booksOf = ({ userId }: Client, { ctx } = rowmill) =>
    count(ctx.pool, "SELECT count(*) FROM rowmill.books WHERE user_id = $1", [userId]);

  /** Ten chunks of 25 rows, two rows of each without a title. */
  const TWO_A_CHUNK = titled(
    250,
    Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [2 + Math.floor(index / 2) * 25 + (index % 2), ""]),
    ),
  );

  test.for<[string, number]>([
    ["5", 3],
    ["6", 3],
    ["2%", 3],
    ["1", 1],
  ])(
    "a batch with max_errors=%s ends after %i of ten chunks with two failures each",
    async ([maxErrors, chunks]) => {
      const user = await rowmill.newUser();
      const { id } = await uploadUpTo(user, maxErrors, TWO_A_CHUNK);
      const batch = await user.finished(id);
      const [failed, success] = [chunks * 2, chunks * 23];
      expect(batch).toMatchObject({
        state: "failed",
        max_errors: maxErrors,
        reason: `Stopped at ${failed} failed rows: max_errors is ${maxErrors}.`,
        counts: { failed, success, pending: 0, processing: 0, unprocessed: 250 - failed - success },
      });
      expect(await user.rows(id, "unprocessed")).toHaveLength(250 - failed - success);
      expect(await booksOf(user)).toBe(success);
    },
  );

  test("a batch with fewer failures than max_errors runs to its end", async () => {
    const user = await rowmill.newUser();
    const { id } = await uploadUpTo(user, "21", TWO_A_CHUNK);
    expect(await user.finished(id)).toMatchObject({
      state: "completed_with_errors",
      counts: { failed: 20, success: 230, unprocessed: 0 },
    });
  });

  test("max_errors counts rows that the database refuses", async () => {
    const user = await rowmill.newUser();
    // One in each chunk, since any of them may be the first.
    const poison = { 5: "poison", 30: "poison", 55: "poison", 80: "poison" };
    const { id } = await uploadUpTo(user, "1", titled(100, poison));
    expect(await user.finished(id)).toMatchObject({
      state: "failed",
      counts: { failed: 1, success: 24, unprocessed: 75 },
    });
  });

  test("a batch ended by max_errors can be retried with a new limit", async () => {
    const user = await rowmill.newUser();
    const { id } = await uploadUpTo(user, "6", TWO_A_CHUNK);
    await user.finished(id);
    const retry = (body: object) => user.post<Problem>(`/api/v1/batches/${id}/retry`, body);
    expect((await retry({})).body.detail).toContain("the unprocessed rows (175)");
    const failed = await user.rows(id, "failed");
    expect(failed).toHaveLength(6);
    for (const { row } of failed) {
      await user.send("PATCH", `/api/v1/batches/${id}/rows/${row}`, {
        body: JSON.stringify({ fields: { title: `Corrected ${row}` } }),
        headers: { "content-type": "application/json" },
      });
    }
    expect((await retry({ unprocessed: true })).status).toBe(202);
    const { state, counts } = await user.finished(id);
    expect([state, counts.failed, counts.success + counts.unprocessed]).toEqual(["failed", 6, 244]);
    // Three more chunks, and as many of the corrected rows as came before them.
    expect(counts.success).toBeGreaterThanOrEqual(6 * 23);
    expect(await booksOf(user)).toBe(counts.success);
  });

  test("a dry run lists every error and applies max_errors at the commit", async () => {
    const user = await rowmill.newUser();
    const { id } = await uploadUpTo(user, "5", TWO_A_CHUNK, { dry_run: "true" });
    expect(await user.finished(id)).toMatchObject({ state: "validated", counts: { failed: 20 } });
    expect((await user.post(`/api/v1/batches/${id}/commit`)).status).toBe(200);
    expect(await user.finished(id)).toMatchObject({ state: "failed", counts: { failed: 6, success: 69 } });
  });

  test("a batch ended by max_errors discards chunks that two workers were processing", async () => {
    await using own = await startWithGate({ WORKER_CONCURRENCY: "2" });
    const user = await own.newUser();
    const { id } = await uploadUpTo(user, "3", titled(250, { 2: "", 27: "", 52: "", 77: "", 102: "" }), {
      row_delay_ms: "300",
    });
    await own.startWorker();
    await own.startWorker();
    const batch = await user.finished(id);
    expect(batch).toMatchObject({ state: "failed", counts: { failed: 3, pending: 0, processing: 0 } });
    const active =
      "SELECT count(*) FROM rowmill_queue.job WHERE name = 'batch.process-chunk' AND state IN ('active', 'created')";
    await expect.poll(() => count(own.ctx.pool, active)).toBe(0);
    const after = (await user.batch(id)).body;
    expect(after.counts).toEqual(batch.counts);
    expect(await booksOf(user, own)).toBe(after.counts.success);
    expect(await user.rows(id, "success")).toHaveLength(after.counts.success);
    expect(after.counts.success + 3 + after.counts.unprocessed).toBe(250);
    expect(await announcedEnds(own.ctx, id)).toBe(1);
  });
});
