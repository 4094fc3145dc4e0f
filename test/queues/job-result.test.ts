import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { jobs } from "../../src/jobs.ts";
import type { JobResultView } from "../../src/queues/job-result-view.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { findTaskOfJob } from "../../src/tasks/task-jobs.ts";
import { titled } from "../support/book-files.ts";
import { storedFile } from "../support/files.ts";
import { explaining } from "../support/plans.ts";
import { printed } from "../support/printed.ts";
import { createTask, endedTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const operator = useAdmin(rowmill, "operator", "operator");
const user = useUser(rowmill);
const other = useUser(rowmill);

const pathOf = (id: string) => `/api/v1/jobs/${id}`;
const job = async (client: typeof user, id: string) => (await client.get<JobResultView>(pathOf(id))).body;

test("the owner gets the result of a task by the id of its job, and nobody else does", async () => {
  const { ctx } = rowmill;
  const { jobId, id } = await endedTask(ctx, await newTask(ctx, user.userId));
  expect(await job(user, jobId)).toMatchObject({
    ...{ id: jobId, job: "task.default", state: "completed", task_id: id, batch_id: null, attempts: 1 },
    ...{ error: null, result: { message: expect.stringContaining("completed") } },
  });
  expect((await other.get(pathOf(jobId))).status).toBe(404);
  expect((await user.get(pathOf(randomUUID()))).status).toBe(404);
  await ctx.pool.query("DELETE FROM rowmill_queue.job WHERE id = $1", [jobId]);
  expect(await job(user, jobId)).toMatchObject({ job: null, state: "completed" });
});

test("operators see where the code of a task failed, and its owner sees only the message", async () => {
  const { ctx } = rowmill;
  const file = await storedFile(user, "%PDF-1.4\nbroken", { name: "broken.pdf" });
  const request = { type: "document", fileId: file.id };
  const { jobId } = await endedTask(ctx, await createTask(ctx, user.userId, request));
  const own = await job(user, jobId);
  expect(own).toMatchObject({ state: "failed", error: { code: expect.any(String), stack: null } });
  const seen = await job(operator, jobId);
  expect(seen.error?.message).toBe(own.error?.message);
  expect(seen.error?.stack).toMatch(/^Permanent \(damaged\)\n +at .*src\/tasks\/types\//);
  expect(await printed(rowmill, `jobs get ${jobId}`)).toMatch(
    /^error +\w+: .*\nPermanent \(damaged\)\n +at /m,
  );
});

test("an earlier job of a task is found beside the latest one", async () => {
  const { ctx } = rowmill;
  const { jobId, id } = await endedTask(ctx, await newTask(ctx, user.userId));
  await user.post(`/api/v1/tasks/${id}/retry`, { force: true });
  await endedTask(ctx, id);
  const latest = await getTask(ctx, null, id);
  expect(latest.jobId).not.toBe(jobId);
  expect(await job(user, jobId)).toMatchObject({
    state: "completed",
    task_id: id,
    result: { status: "completed" },
  });
  expect(await job(user, latest.jobId)).toMatchObject({ state: "completed", attempts: 2 });
});

test("a task is found by the id of its latest job after the queue has removed it, also if the id is older than 0.11.0", async () => {
  const { ctx } = rowmill;
  const { id, jobId } = await endedTask(ctx, await newTask(ctx, user.userId));
  const remove = (removed: string) =>
    ctx.pool.query("DELETE FROM rowmill_queue.job WHERE id = $1", [removed]);
  await remove(jobId);
  const old = randomUUID();
  await ctx.pool.query("UPDATE rowmill.tasks SET job_id = $2, created_by = NULL WHERE id = $1", [id, old]);
  expect(await job(user, old)).toMatchObject({ job: null, state: "completed", task_id: id });
  expect((await user.get(pathOf(jobId))).status).toBe(404);
  await user.post(`/api/v1/tasks/${id}/retry`, { force: true });
  const { jobId: later } = await endedTask(ctx, id);
  await remove(later);
  expect(await job(user, later)).toMatchObject({ job: null, state: "completed", task_id: id });
  // Two tasks cannot have the same job.
  const other = await endedTask(ctx, await newTask(ctx, user.userId));
  const same = ctx.pool.query("UPDATE rowmill.tasks SET job_id = $2, created_by = NULL WHERE id = $1", [
    other.id,
    later,
  ]);
  await expect(same).rejects.toThrow("tasks_later_job");
});

test("a task is looked for by its job in two indexes, whether statistics are absent or stale", async () => {
  const { ctx } = rowmill;
  const addMany = () =>
    ctx.pool.query(
      `INSERT INTO rowmill.tasks (id, user_id, type, queue, status, params, max_retries, job_id, metadata, completed_at)
      SELECT gen_random_uuid(), $1, 'generic', 'default', 'completed', '{}', 3, gen_random_uuid(), '{}', now()
      FROM generate_series(1, 5000)`,
      [user.userId],
    );
  for (const next of [addMany, () => ctx.pool.query("ANALYZE rowmill.tasks"), addMany]) {
    await next();
    await using plans = await explaining(ctx);
    expect(await findTaskOfJob(plans, randomUUID())).toBeUndefined();
    expect(plans.scans("tasks").toSorted()).toEqual(["tasks_later_job (job_id)", "tasks_pkey (id)"]);
  }
});

test("the id of the job of a row leads to its batch", async () => {
  const { body: batch } = await user.upload(titled(3, {}));
  await user.finished(batch.id);
  const [row] = (await user.rows(batch.id)) as unknown as { job_id: string }[];
  const found = await until("the job is completed", async () => {
    const seen = await job(user, row?.job_id ?? "");
    return seen.state === "completed" ? seen : null;
  });
  expect(found).toMatchObject({
    job: "batch.process-chunk",
    batch_id: batch.id,
    result: { succeeded: 3, failed: 0 },
  });
  expect((await other.get(pathOf(found.id))).status).toBe(404);
});

test("the owner of a batch does not see the messages of internal errors", async () => {
  const { body: batch } = await user.upload(titled(1, {}));
  await user.finished(batch.id);
  const [row] = (await user.rows(batch.id)) as unknown as { job_id: string }[];
  const id = row?.job_id ?? "";
  const cause = "connect ECONNREFUSED 10.0.0.5:5432";
  const output = JSON.stringify({ message: cause, failures: 1 });
  const set =
    "UPDATE rowmill_queue.job SET output = $2, start_after = now() + interval '1 hour' WHERE id = $1 AND state = 'completed'";
  await until(
    "the job is changed",
    async () => (await rowmill.ctx.pool.query(set, [id, output])).rowCount === 1,
  );
  expect((await job(user, id)).error?.message).toMatch(/^An attempt has failed/);
  expect((await job(operator, id)).error?.message).toBe(cause);
});

test("internal jobs are for operators, and scheduled ones show when they are due", async () => {
  const { ctx } = rowmill;
  const id = randomUUID();
  await ctx.queue.add(ctx.db, jobs.clean, [{ id, payload: {}, startAfterSeconds: 600 }]);
  expect((await user.get(pathOf(id))).status).toBe(404);
  expect(await job(operator, id)).toMatchObject({
    state: "scheduled",
    task_id: null,
    attempts: 0,
    result: null,
  });
});
