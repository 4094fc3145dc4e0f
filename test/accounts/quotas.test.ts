import { expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { startSecondApi } from "../support/second-api.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill({
  settings: {
    MAX_BATCHES_PER_USER: "5",
    MAX_ROWS_PER_USER: "1000",
    BATCHES_QUOTA_BYTES: "100000",
    MAX_RECORDS_PER_USER: "10",
    MAX_TASKS_PER_USER: "8",
    MAX_OPEN_TASKS_PER_USER: "6",
    MAX_FILES_PER_USER: "4",
  },
});

const BATCHES = "/api/v1/batches?target=records&force=true";
const rowsOf = (rows: number, cell = "x") => `title\n${`${cell}\n`.repeat(rows)}`;

function upload(user: Client, content: string): Promise<Answer<BatchView & Problem>> {
  return user.upload<BatchView & Problem>(content, BATCHES);
}

function statusesOf(answers: readonly Answer<object>[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function stored(user: Client): Promise<Record<string, number>> {
  const { pool } = rowmill.ctx;
  return {
    batches: await count(pool, "SELECT count(*) FROM rowmill.batches WHERE user_id = $1", [user.userId]),
    rows: await count(
      pool,
      "SELECT count(*) FROM rowmill.batch_rows JOIN rowmill.batches ON id = batch_id WHERE user_id = $1",
      [user.userId],
    ),
  };
}

test("parallel uploads on two API processes store MAX_BATCHES_PER_USER batches", async () => {
  await using second = await startSecondApi(rowmill);
  const user = await rowmill.newUser();
  const elsewhere = second.client.as({
    access: user.token,
    refresh: user.refresh,
    user: { id: user.userId },
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => upload(i % 2 ? elsewhere : user, rowsOf(1))),
  );
  expect(statusesOf(answers)).toEqual({ 202: 5, 413: 15 });
  const refused = answers.find(({ status }) => status === 413);
  expect(refused?.body).toMatchObject({
    code: "too_large",
    detail:
      "You have 5 batches. The limit is 5 (MAX_BATCHES_PER_USER). Delete batches that you no longer need.",
  });
  expect(await stored(user)).toEqual({ batches: 5, rows: 5 });
  const [first] = (await user.get<{ items: BatchView[] }>("/api/v1/batches")).body.items;
  await user.post(`/api/v1/batches/${first?.id}/cancel`);
  expect((await user.delete(`/api/v1/batches/${first?.id}`)).status).toBe(204);
  expect((await upload(user, rowsOf(1))).status).toBe(202);
  expect((await upload(await rowmill.newUser(), rowsOf(1))).status).toBe(202);
});

test("an upload that exceeds MAX_RECORDS_PER_USER or MAX_ROWS_PER_USER leaves nothing behind", async () => {
  const user = await rowmill.newUser();
  const records = await upload(user, rowsOf(11));
  expect([records.status, records.body.detail]).toEqual([
    413,
    expect.stringContaining("MAX_RECORDS_PER_USER"),
  ]);
  const rows = await upload(user, rowsOf(1001));
  expect(rows.status).toBe(413);
  expect(await stored(user)).toEqual({ batches: 0, rows: 0 });
  expect((await upload(user, rowsOf(10))).status).toBe(202);
});

test("an upload that declares more than BATCHES_QUOTA_BYTES is refused before its body is received", async () => {
  const user = await rowmill.newUser();
  using declared = new SlowUpload(user, BATCHES, 900_000);
  await declared.send("title\n");
  expect(await declared.answer).toMatchObject({
    status: 413,
    body: { detail: expect.stringContaining("BATCHES_QUOTA_BYTES") },
  });
  const tooMuch = await upload(user, rowsOf(1, "y".repeat(120_000)));
  expect([tooMuch.status, tooMuch.body.detail]).toEqual([
    413,
    expect.stringContaining("BATCHES_QUOTA_BYTES"),
  ]);
  expect(await stored(user)).toEqual({ batches: 0, rows: 0 });
});

test("parallel requests create MAX_OPEN_TASKS_PER_USER open tasks and MAX_TASKS_PER_USER tasks", async () => {
  const user = await rowmill.newUser();
  const create = () => user.post<Problem & { id: string }>("/api/v1/tasks", { type: "generic" });
  const answers = await Promise.all(Array.from({ length: 15 }, create));
  expect(statusesOf(answers)).toEqual({ 201: 6, 429: 9 });
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body).toMatchObject({
    code: "too_many_requests",
    detail: expect.stringContaining("The limit is 6 (MAX_OPEN_TASKS_PER_USER)"),
  });
  expect(Number(refused?.headers.get("retry-after"))).toBe(60);
  const first = answers.find(({ status }) => status === 201);
  await user.post(`/api/v1/tasks/${first?.body.id}/cancel`);
  expect((await create()).status).toBe(201);
  await rowmill.ctx.pool.query(
    "UPDATE rowmill.tasks SET status = 'cancelled', cancelled_at = now() WHERE user_id = $1",
    [user.userId],
  );
  expect((await create()).status).toBe(201);
  const over = await create();
  expect([over.status, over.body.detail]).toEqual([413, expect.stringContaining("MAX_TASKS_PER_USER")]);
  await user.delete(`/api/v1/tasks/${first?.body.id}`);
  expect((await create()).status).toBe(201);
});

test("books and files have limits", async () => {
  const user = await rowmill.newUser();
  const create = (i: number) => user.post<Problem>("/api/v1/books", { title: `Book ${i}`, author: "Jane" });
  const books = await Promise.all(Array.from({ length: 15 }, (_, i) => create(i)));
  expect(statusesOf(books)).toEqual({ 201: 10, 413: 5 });
  const form = () => user.form<Problem>("POST", "/api/v1/files", { file: Buffer.from("x") }, "a.txt");
  const files = await Promise.all(Array.from({ length: 8 }, form));
  expect(statusesOf(files)).toEqual({ 201: 4, 413: 4 });
});

test("the usage shows what a user stores, and the limits", async () => {
  const user = await rowmill.newUser();
  await upload(user, rowsOf(3));
  await user.post("/api/v1/tasks", { type: "generic" });
  await user.form("POST", "/api/v1/files", { file: Buffer.from("12345") }, "a.txt");
  expect((await user.get("/api/v1/auth/me/usage")).body).toEqual({
    batches: { used: 1, limit: 5 },
    batch_rows: { used: 3, limit: 1000 },
    batch_bytes: { used: rowsOf(3).length, limit: 100_000 },
    records: { used: 0, limit: 10 },
    tasks: { used: 1, limit: 8 },
    open_tasks: { used: 1, limit: 6 },
    workflows: { used: 0, limit: 10_000 },
    schedules: { used: 0, limit: 100 },
    files: { used: 1, limit: 4 },
    file_bytes: { used: 5, limit: 10 * 2 ** 30 },
  });
});
