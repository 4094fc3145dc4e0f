import { expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import { getTask } from "../../../src/tasks/queries.ts";
import type { TaskView } from "../../../src/tasks/views.ts";
import { endedTask } from "../../support/tasks.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);

async function importFile(content: string, params: Record<string, unknown> = {}): Promise<TaskView> {
  const { body: file } = await user.upload<{ id: string }>(content, "/api/v1/files", "books.csv");
  const request = { type: "batch_import", file_id: file.id, params };
  const { status, body } = await user.post<TaskView>("/api/v1/tasks", request);
  expect(status).toBe(201);
  return body;
}

/** The batch that the task has created. */
const batchOf = ({ id }: TaskView) =>
  until("the batch is there", async () => {
    const { result } = await getTask(rowmill.ctx, null, id);
    return result?.batch_id ? (await user.batch(String(result.batch_id))).body : null;
  });

const LONG_ROWS = { row_delay_ms: 60_000 };
const BOOKS = "title,author\nEmma,Jane Austen\n,Nobody\nDracula,Bram Stoker\n";

test("a batch_import task ends with the counts of its batch", async () => {
  const { id } = await importFile(BOOKS, { mode: "append" });
  const task = await endedTask(rowmill.ctx, id);
  expect(task).toMatchObject({ status: "completed", progress: 100 });
  expect(task.result).toMatchObject({
    message: "Processed 3 rows for books: 2 succeeded and 1 failed.",
    state: "completed_with_errors",
    counts: { total: 3, success: 2, failed: 1, pending: 0 },
  });
  const batch = await user.batch(String(task.result?.batch_id));
  expect(batch.body).toMatchObject({ filename: "books.csv", target: "books" });
});

test("a batch_import task refuses parameters that an upload refuses", async () => {
  const { body: file } = await user.upload<{ id: string }>(BOOKS, "/api/v1/files", "books.csv");
  const request = { type: "batch_import", file_id: file.id, params: { policy: "most", dry_runn: true } };
  const { status, body } = await user.post<{ field_errors: object }>("/api/v1/tasks", request);
  expect(status).toBe(400);
  expect(Object.keys(body.field_errors).toSorted()).toEqual(["params.dry_runn", "params.policy"]);
});

test.each([
  ["a header that lacks a column", "name;x\nEmma;1\n", {}, "invalid_input", /The header has no column/],
  ["no header", "\n", {}, "invalid_input", /The file is empty/],
  ["a target for administrators alone", "username\nada\n", { target: "users" }, "forbidden", /administrator/],
])(
  "a batch_import task fails at once for %s and leaves no batch",
  async (_, content, params, code, message) => {
    const before = await user.get<{ items: BatchView[] }>("/api/v1/batches");
    const { id } = await importFile(content, params);
    const task = await endedTask(rowmill.ctx, id);
    expect(task).toMatchObject({ status: "failed", errorCode: code, attempt: 1 });
    expect(task.errorMessage).toMatch(message);
    const after = await user.get<{ items: BatchView[] }>("/api/v1/batches");
    expect(after.body.items).toHaveLength(before.body.items.length);
  },
);

test("a batch_import task fails if its batch fails", async () => {
  const { id } = await importFile(BOOKS, { policy: "atomic", mode: "append" });
  expect(await endedTask(rowmill.ctx, id)).toMatchObject({ status: "failed", errorCode: "batch_failed" });
  const task = await importFile(BOOKS, LONG_ROWS);
  const batch = await batchOf(task);
  expect((await user.post(`/api/v1/batches/${batch.id}/cancel`)).status).toBe(200);
  expect(await endedTask(rowmill.ctx, task.id)).toMatchObject({
    status: "failed",
    errorCode: "batch_cancelled",
  });
});

test.each(["cancel", "delete"])("a %s of a batch_import task applies to its batch", async (verb) => {
  const task = await importFile(BOOKS, LONG_ROWS);
  const batch = await batchOf(task);
  const path = `/api/v1/tasks/${task.id}`;
  const answer = verb === "cancel" ? await user.post(`${path}/cancel`) : await user.delete(path);
  expect(answer.status).toBeLessThan(300);
  expect((await user.batch(batch.id)).body.state).toBe("cancelled");
});

test("a retried batch_import task continues its cancelled batch with the open rows", async () => {
  const lines = Array.from({ length: 100 }, (_, at) => `Title ${at},Author`);
  const task = await importFile(`title,author\n${lines.join("\n")}\n`, {
    mode: "append",
    rows_per_second: 10,
  });
  const { id } = await batchOf(task);
  await until("some rows have results", async () => (await user.batch(id)).body.counts.success > 0);
  expect((await user.post(`/api/v1/tasks/${task.id}/cancel`)).status).toBe(200);
  await rowmill.ctx.pool.query("UPDATE rowmill.batches SET rows_per_second = NULL WHERE id = $1", [id]);
  expect((await user.batch(id)).body.counts.unprocessed).toBeGreaterThan(0);
  expect((await user.post(`/api/v1/tasks/${task.id}/retry`)).status).toBe(200);
  const ended = await endedTask(rowmill.ctx, task.id);
  expect(ended).toMatchObject({
    status: "completed",
    result: { batch_id: id, counts: { total: 100, success: 100 } },
  });
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS count, count(DISTINCT title)::int AS titles FROM rowmill.books WHERE user_id = $1 AND title LIKE 'Title %'",
    [user.userId],
  );
  expect(rows).toEqual([{ count: 100, titles: 100 }]);
});

test("a retried batch_import task continues a batch that max_errors stopped", async () => {
  const task = await importFile("title,author\n,Nobody\nEmma,Austen\n", { mode: "append", max_errors: "1" });
  expect(await endedTask(rowmill.ctx, task.id)).toMatchObject({ errorCode: "batch_failed" });
  const { id } = await batchOf(task);
  expect((await user.patch(`/api/v1/batches/${id}/rows/2`, { fields: { title: "Lady Susan" } })).status).toBe(
    200,
  );
  expect((await user.post(`/api/v1/tasks/${task.id}/retry`)).status).toBe(200);
  const ended = await endedTask(rowmill.ctx, task.id);
  expect(ended.result).toMatchObject({ batch_id: id, counts: { total: 2, success: 2, failed: 0 } });
});
