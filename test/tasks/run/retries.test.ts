import { expect, test } from "vitest";
import { history, type Listed, makeBroken, untilEnded, untilTask } from "../../support/task-client.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);

interface Retrying {
  type: string;
  message: string;
  metadata: { code: string; retry: number; after_seconds: number };
}

test("a temporary failure is retried with growing delays and at most max_retries times", async () => {
  const id = await makeBroken(rowmill.ctx, user, "passing", { maxRetries: 2 });
  const waiting = await untilTask(
    user,
    id,
    "waits for its next attempt",
    ({ retry_count }) => retry_count > 0,
  );
  expect(waiting).toMatchObject({ status: "pending", error_code: null, error_message: expect.any(String) });
  const task = await untilEnded(user, id);
  expect(task).toMatchObject({
    status: "failed",
    attempt: 3,
    retry_count: 2,
    max_retries: 2,
    error_code: "task_error",
    error_message: waiting.error_message,
    completed_at: expect.any(String),
    result: null,
  });
  expect(await history(user, id)).toEqual([
    "created",
    "queued",
    "started",
    "retrying",
    "started",
    "retrying",
    "started",
    "failed",
  ]);
  const { items } = (await user.get<Listed<Retrying>>(`/api/v1/tasks/${id}/history`)).body;
  const retries = items.filter(({ type }) => type === "retrying").map(({ metadata }) => metadata);
  expect(retries).toMatchObject([
    { code: "task_error", retry: 1 },
    { code: "task_error", retry: 2 },
  ]);
  for (const { retry, after_seconds } of retries) {
    expect(after_seconds).toBeGreaterThanOrEqual(2 ** retry / 4);
    expect(after_seconds).toBeLessThanOrEqual(2 ** retry / 2);
  }
});

test("a task with max_retries 0 is not retried", async () => {
  const id = await makeBroken(rowmill.ctx, user, "passing", { maxRetries: 0 });
  expect(await untilEnded(user, id)).toMatchObject({ status: "failed", attempt: 1, retry_count: 0 });
  expect(await history(user, id)).toEqual(["created", "queued", "started", "failed"]);
});

test("a permanent failure fails the task at once with its code", async () => {
  const id = await makeBroken(rowmill.ctx, user, "gone", { maxRetries: 5 });
  expect(await untilEnded(user, id)).toMatchObject({
    status: "failed",
    attempt: 1,
    retry_count: 0,
    error_code: "unknown_type",
    error_message: 'This version of Rowmill has no task type "gone".',
  });
});

test("a task that waits for its next attempt can be cancelled", async () => {
  const id = await makeBroken(rowmill.ctx, user, "passing", { maxRetries: 20 });
  await untilTask(user, id, "waits for its third attempt", ({ retry_count }) => retry_count === 2);
  await user.post(`/api/v1/tasks/${id}/cancel`);
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE data->>'taskId' = $1 AND state IN ('created', 'retry')",
    [id],
  );
  expect(rows).toEqual([{ count: 0 }]);
});
