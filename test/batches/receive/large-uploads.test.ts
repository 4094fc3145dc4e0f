import { describe, expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import type { Client } from "../../support/client.ts";
import {
  END,
  FIRST_LINES,
  HEADER,
  holdsNothing,
  kept,
  lines,
  partHead,
  sendStream,
} from "../../support/raw-upload.ts";
import { SlowUpload } from "../../support/slow-upload.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

describe("a big or slow upload", () => {
  const rowmill = useRowmill({ settings: { UPLOAD_MAX_COLUMNS: "6000" } });

  const onlyBatch = async (user: Client) => {
    const { body } = await user.get<{ items: BatchView[] }>("/api/v1/batches");
    return body.items[0] ?? null;
  };
  const storedRows = async (batchId: string) => {
    const { rows } = await rowmill.ctx.pool.query<{ rows: number; distinct: number; last: number }>(
      "SELECT count(*)::int AS rows, count(DISTINCT row_number)::int AS distinct, max(row_number) AS last FROM rowmill.batch_rows WHERE batch_id = $1",
      [batchId],
    );
    return rows[0];
  };

  test("a slow upload is `receiving`, holds no connection or transaction and succeeds", async () => {
    const user = await rowmill.newUser();
    let seen: BatchView | null = null;
    async function* body() {
      yield partHead() + HEADER + lines(FIRST_LINES);
      seen = await until("the batch is listed", () => onlyBatch(user));
      await holdsNothing(rowmill);
      yield lines(60_000, FIRST_LINES);
      const { id } = seen;
      await until("a segment is stored", async () => ((await storedRows(id))?.rows ?? 0) > 0);
      await holdsNothing(rowmill);
      expect((await user.batch(id)).body).toMatchObject({ state: "receiving", queued_at: null });
      const jobs = await rowmill.ctx.pool.query("SELECT FROM rowmill_queue.job");
      expect(jobs.rowCount).toBe(0);
      yield lines(50, FIRST_LINES + 60_000);
      yield END;
    }
    const { status, body: batch } = await sendStream<BatchView>(user, body);
    expect(status).toBe(202);
    expect(seen).toMatchObject({ id: batch.id, state: "receiving", counts: { success: 0, failed: 0 } });
    expect(batch.state).toBe("queued");
    const total = FIRST_LINES + 60_050;
    expect(batch.counts).toEqual({
      total,
      pending: total,
      processing: 0,
      success: 0,
      failed: 0,
      unprocessed: 0,
      undone: 0,
    });
    expect(await storedRows(batch.id)).toEqual({ rows: total, distinct: total, last: total + 1 });
    await holdsNothing(rowmill);
  });

  test("an upload of 30 MB is stored whole with its chunks and jobs", async () => {
    const user = await rowmill.newUser();
    const count = 300_000;
    const filler = "x".repeat(60);
    const block = (from: number) =>
      Array.from(
        { length: 10_000 },
        (_, index) => `Title ${from + index},Author,"${filler} ""quoted"" ${from}"\n`,
      ).join("");
    const content = [HEADER, ...Array.from({ length: count / 10_000 }, (_, index) => block(index * 10_000))];
    const file = new Blob(content);
    expect(file.size).toBeGreaterThan(30e6);
    const { status, body: batch } = await user.upload(file);
    expect(status).toBe(202);
    expect(batch.counts).toEqual({
      total: count,
      pending: count,
      processing: 0,
      success: 0,
      failed: 0,
      unprocessed: 0,
      undone: 0,
    });
    expect(await storedRows(batch.id)).toEqual({ rows: count, distinct: count, last: count + 1 });
    const { rows } = await rowmill.ctx.pool.query(
      `SELECT sum(row_count)::int AS rows, min(first_row) AS first, max(last_row) AS last,
        count(*) = (SELECT count(*) FROM rowmill_queue.job WHERE data->>'batchId' = $1) AS each_has_its_job
       FROM rowmill.chunks WHERE batch_id = $1::uuid`,
      [batch.id],
    );
    expect(rows).toEqual([{ rows: count, first: 2, last: count + 1, each_has_its_job: true }]);
    const last = await user.get(`/api/v1/batches/${batch.id}/rows/${count + 1}`);
    expect(last.body).toMatchObject({
      status: "pending",
      fields: { title: `Title ${count - 1}`, description: `${filler} "quoted" ${count - 10_000}` },
    });
  });

  test("an upload of 5,000 columns keeps them all", async () => {
    const user = await rowmill.newUser();
    const names = Array.from({ length: 4998 }, (_, index) => `c${index}`);
    const content = `title,author,${names}\nEmma,Austen,${names.map((name) => `${name}!`)}\n`;
    const { status, body: batch } = await user.upload(content);
    expect(status).toBe(202);
    expect(batch.header).toEqual(["title", "author", ...names]);
    const [row] = await user.rows(batch.id);
    expect(Object.keys(row?.fields ?? {})).toHaveLength(5000);
    expect(row?.fields).toMatchObject({ title: "Emma", c0: "c0!", c4997: "c4997!" });
  });
});

describe("rows of more than 262,144 characters", () => {
  const rowmill = useRowmill();
  const RECORDS = "/api/v1/batches?target=records";
  const row = (key: string) => `${key},${"x".repeat(900_000)}\n`;

  test("rows of more than 262,144 characters are received in turns, and short rows meanwhile", async () => {
    const [slow, second, third] = [await rowmill.newUser(), await rowmill.newUser(), await rowmill.newUser()];
    using first = new SlowUpload(slow, RECORDS);
    await first.send(`key,text\n${row("a").slice(0, 500_000)}`);
    await until("the upload is listed", async () => (await kept(rowmill))?.batches === 1);
    // Meanwhile the server reads all that was sent.
    expect((await third.upload("key,text\n0,1\n", RECORDS)).status).toBe(202);
    const waiting = second.upload(`key,text\n${row("b")}${row("c")}`, RECORDS);
    const [short] = await Promise.all([
      third.upload<BatchView>("key,text\n1,2\n", RECORDS),
      until("the long rows of another user wait", async () => (await kept(rowmill))?.batches === 4),
    ]);
    expect(short.status).toBe(202);
    expect(await Promise.race([waiting.then(() => "received"), Promise.resolve("waits")])).toBe("waits");
    await first.send(row("a").slice(500_000));
    expect((await first.end())?.status).toBe(202);
    expect((await waiting).status).toBe(202);
    expect((await kept(rowmill))?.rows).toBe(5);
  });
});
