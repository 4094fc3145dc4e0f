import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import { answerLoneJob } from "../../../src/lone-jobs.ts";
import type { OpenContext } from "../../../src/open-context.ts";
import { tasks } from "../../../src/schema/tasks.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { LIMIT_CHANNEL, removeLimit, setLimit } from "../../../src/tasks/limits/change-limit.ts";
import { followLimits } from "../../../src/tasks/limits/follow-limits.ts";
import { lockLimit } from "../../../src/tasks/limits/free-starts.ts";
import { releaseUnlimited } from "../../../src/tasks/limits/grant-starts.ts";
import type { Limit } from "../../../src/tasks/limits/queries.ts";
import { startWithinLimit } from "../../../src/tasks/limits/start-within-limit.ts";
import type { LimitView } from "../../../src/tasks/limits/views.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count, countRowWaits } from "../../support/count.ts";
import { closeGate } from "../../support/gate.ts";
import { printed } from "../../support/printed.ts";
import { MEASURED } from "../../support/stopwatch.ts";
import { endedTask, eventsOf, heldTask, newTask } from "../../support/tasks.ts";
import { until } from "../../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const LIMITS = "/api/v1/admin/task-limits";

const rowmill = useRowmill();
const operator = useAdmin(rowmill, "operator", "operator");
const admin = useAdmin(rowmill, "root");
const user = useUser(rowmill);

const putAs = <T = Record<string, unknown>>(path: string, body: object, client: Client = operator) =>
  client.put<T>(path, body);
const unlimited = { perSecond: null, concurrent: null };
const newTasks = async ({ userId }: Client, number: number, type = "generic") => {
  const params = type === "generic" ? { params: { seconds: 0 } } : {};
  const requests = Array.from({ length: number }, () => ({ type, ...params }));
  const { tasks } = await createTasks(rowmill.ctx, userId, requests, { together: "parallel" });
  return tasks.map(({ id }) => id);
};
const running = () =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.tasks WHERE status = 'processing'");
const limitOf = async (type: string) =>
  (await operator.get<{ items: LimitView[] }>(LIMITS)).body.items.find((limit) => limit.type === type);

/** When these tasks started, in seconds, in order. */
async function starts(ids: readonly string[]): Promise<number[]> {
  for (const id of ids) await endedTask(rowmill.ctx, id);
  const { rows } = await rowmill.ctx.pool.query<{ at: number }>(
    "SELECT extract(epoch FROM started_at)::float8 AS at FROM rowmill.tasks WHERE id = ANY($1) ORDER BY 1",
    [ids],
  );
  return rows.map(({ at }) => at);
}

describe("without a worker", () => {
  test("an operator sets, lists and removes a limit, which is recorded and shown with the type", async () => {
    const set = await putAs<LimitView>(`${LIMITS}/generic`, { per_second: 0.5 });
    expect(set).toMatchObject({
      status: 200,
      body: { type: "generic", per_second: 0.5, concurrent: null, changed_by: operator.userId, waiting: 0 },
    });
    await putAs(`${LIMITS}/generic`, { concurrent: 3, per_second: null });
    expect(await limitOf("generic")).toMatchObject({ per_second: null, concurrent: 3 });
    const type = await user.get<{ limits: object }>("/api/v1/task-types/generic");
    expect(type.body.limits).toMatchObject({ per_second: null, concurrent: 3 });
    expect(await printed(rowmill, "limits list")).toMatch(/^generic +- +3 +0 +0 +20/m);
    for (const _ of [1, 2]) expect((await operator.delete(`${LIMITS}/generic`)).status).toBe(204);
    expect(await limitOf("generic")).toBeUndefined();
    expect(await printed(rowmill, "limits set generic --per-second 2.5")).toMatch(/^generic +2\.5 +- /m);
    expect(await printed(rowmill, "limits remove generic")).toBe("The limit of generic is removed.");
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT action, details FROM rowmill.audit_log WHERE action LIKE 'task_limit.%' ORDER BY id",
    );
    expect(rows.slice(0, 3)).toEqual([
      { action: "task_limit.set", details: { from: null, to: { per_second: 0.5, concurrent: null } } },
      {
        action: "task_limit.set",
        details: { from: { per_second: 0.5, concurrent: null }, to: { per_second: null, concurrent: 3 } },
      },
      { action: "task_limit.removed", details: { from: { per_second: null, concurrent: 3 }, to: null } },
    ]);
  });

  test("a limit without numbers, an unknown type and other users are refused", async () => {
    const { status, body } = await putAs<Problem>(`${LIMITS}/generic`, {});
    expect({ status, fields: Object.keys(body.field_errors) }).toEqual({
      status: 400,
      fields: ["per_second"],
    });
    for (const per_second of [0, 5e-324, 1e-13, 3e-7])
      expect((await putAs(`${LIMITS}/generic`, { per_second })).status).toBe(400);
    await expect(printed(rowmill, "limits set generic --per-second 0.0000003")).rejects.toThrow(
      /from 0\.00001/,
    );
    expect((await putAs(`${LIMITS}/generic`, { per_second: 0, concurrent: 3 })).status).toBe(400);
    expect((await putAs(`${LIMITS}/none`, { concurrent: 1 })).status).toBe(404);
    expect((await operator.delete(`${LIMITS}/none`)).status).toBe(404);
    expect((await putAs(`${LIMITS}/generic`, { concurrent: 1 }, user)).status).toBe(403);
  });
});

describe("the line", () => {
  /** A task that waits in the line, with its job. */
  async function waitingTask(isGranted: boolean): Promise<string> {
    const { pool } = rowmill.ctx;
    const [id] = await newTasks(user, 1);
    const { rows } = await pool.query<{ job_id: string }>(
      `INSERT INTO rowmill.limit_waits (job_id, task_id, type, queue, user_id, priority, number, granted_at)
        SELECT job_id, id, type, queue, user_id, priority, number, CASE WHEN $2 THEN now() END FROM rowmill.tasks WHERE id = $1
        RETURNING job_id`,
      [id, isGranted],
    );
    return rows[0]?.job_id ?? "";
  }
  const starting = async (jobId: string) => {
    const found = await rowmill.ctx.db.select().from(tasks).where(eq(tasks.jobId, jobId));
    return { taskId: found[0]?.id ?? "", jobId };
  };
  const start = async (jobId: string) => {
    const [started] = await startWithinLimit(rowmill.ctx, "generic", [await starting(jobId)], async () => [
      null,
    ]);
    return started;
  };
  const setJob = (id: string, changes: string) =>
    rowmill.ctx.pool.query(
      `UPDATE rowmill_queue.job SET ${changes} WHERE name = 'task.default' AND id = $1`,
      [id],
    );
  const waits = (id: string) =>
    count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.limit_waits WHERE job_id = $1", [id]);
  const due = (id: string) =>
    count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE id = $1 AND start_after <= now()", [
      id,
    ]);

  afterEach(() => rowmill.ctx.pool.query("DELETE FROM rowmill.tasks"));

  test("a task whose turn it is locks the limit before it starts, as all others do, so that no two wait for each other", async () => {
    const { ctx } = rowmill;
    await setLimit(ctx, "generic", { ...unlimited, perSecond: 500 });
    const task = await starting(await waitingTask(true));
    const steps: string[] = [];
    const started = await inTransaction(ctx, async (tx) => {
      await lockLimit(tx, "generic", "wait");
      const promise = startWithinLimit(ctx, "generic", [task], async () => {
        steps.push("start");
        return [null];
      });
      await until("the start waits for the limit", async () => (await countRowWaits(ctx.pool)) === 1);
      steps.push("commit");
      return { promise };
    });
    expect(await started.promise).toEqual([null]);
    expect(steps).toEqual(["commit", "start"]);
  });

  test("a task that runs in a process of its own waits as well", async () => {
    const { ctx } = rowmill;
    await setLimit(ctx, "generic", { ...unlimited, concurrent: 0 });
    const [id = ""] = await newTasks(user, 1);
    const { rows } = await ctx.pool.query(
      "SELECT id, data AS payload FROM rowmill_queue.job WHERE data->>'taskId' = $1",
      [id],
    );
    const answers: unknown[] = [];
    const send = vi.spyOn(process, "send").mockImplementation((answer) => answers.push(answer) > 0);
    const child = { ...ctx, limitedTypes: new Set<string>() };
    await answerLoneJob(child, { ...rows[0], name: "runTask", attempt: 1, traceparent: null });
    send.mockRestore();
    expect(answers).toEqual([expect.objectContaining({ kind: "later" })]);
    expect(
      await count(ctx.pool, "SELECT count(*) FROM rowmill.tasks WHERE id = $1 AND status = 'pending'", [id]),
    ).toBe(1);
  });

  test("a changed limit takes back turns that no worker has used", async () => {
    const { ctx } = rowmill;
    const jobId = await waitingTask(true);
    await setLimit(ctx, "generic", { ...unlimited, concurrent: 0 });
    expect(await start(jobId)).toBe("waits");
    expect(await waits(jobId)).toBe(1);
  });

  test("a task is not forgotten if its limit is removed while a worker puts it into the line", async () => {
    const { ctx } = rowmill;
    const jobId = await waitingTask(false);
    await removeLimit(ctx, "generic");
    await setJob(jobId, "state = 'active'");
    await releaseUnlimited(ctx);
    expect(await waits(jobId)).toBe(1);
    await setJob(jobId, "state = 'created', start_after = now() + interval '4 hours'");
    expect(await due(jobId)).toBe(0);
    await releaseUnlimited(ctx);
    expect([await waits(jobId), await due(jobId)]).toEqual([0, 1]);
  });
});

describe("with three workers", () => {
  const workers: OpenContext[] = [];

  beforeEach(async () => {
    await removeLimit(rowmill.ctx, "generic");
  });

  /** Sets the limit, and waits until every worker knows that there is one. */
  async function limitGeneric(limit: Partial<Limit>) {
    await setLimit(rowmill.ctx, "generic", { ...unlimited, ...limit });
    await until("all workers know", async () =>
      workers.every(({ limitedTypes }) => limitedTypes.has("generic")),
    );
  }

  test("tasks start at the rate of their type, each once, on all workers together", async () => {
    const { ctx } = rowmill;
    await limitGeneric({ perSecond: 10 });
    for (const _ of [1, 2, 3]) workers.push(await rowmill.startWorker({ DATABASE_POOL_MAX: "24" }));
    const ids = await newTasks(user, 25);
    const at = await starts(ids);
    const inOneSecond = at.map((from) => at.filter((moment) => moment >= from && moment < from + 1).length);
    expect(Math.max(...inOneSecond)).toBeLessThanOrEqual(10);
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThan(1.4);
    for (const id of ids)
      expect(await eventsOf(ctx, id)).toEqual(["created", "queued", "started", "completed"]);
  });

  test("no more tasks run at a time than the limit allows, and the next one starts when one ends", async () => {
    const { ctx } = rowmill;
    await limitGeneric({ concurrent: 2 });
    await using gate = await closeGate(ctx, "complete");
    const ids = await Promise.all(Array.from({ length: 8 }, () => heldTask(ctx, user.userId)));
    await until("six wait", async () => (await limitOf("generic"))?.waiting === 6);
    expect(await limitOf("generic")).toMatchObject({ running: 2, waiting: 6 });
    const [other = ""] = await newTasks(admin, 1, "cleanup_old_logs");
    expect(await endedTask(ctx, other)).toMatchObject({ status: "completed", attempt: 1 });
    expect(await running()).toBe(2);
    await gate.open();
    for (const id of ids) expect(await endedTask(ctx, id)).toMatchObject({ attempt: 1 });
    expect(await count(ctx.pool, "SELECT count(*) FROM rowmill.limit_waits")).toBe(0);
  });

  test(
    "a faster limit and the removal of a limit let waiting tasks start within two seconds",
    MEASURED,
    async () => {
      const { ctx } = rowmill;
      await limitGeneric({ perSecond: 0.01 });
      const [first = "", ...rest] = await newTasks(user, 6);
      await until("one has started", async () => (await limitOf("generic"))?.waiting === 5);
      await limitGeneric({ perSecond: 100 });
      for (const id of [first, ...rest]) await endedTask(ctx, id, 2000);
      await limitGeneric({ concurrent: 0 });
      const held = await newTasks(user, 3);
      await until("all wait", async () => (await limitOf("generic"))?.waiting === 3);
      await removeLimit(ctx, "generic");
      for (const id of held) await endedTask(ctx, id, 2000);
    },
  );

  test("users take turns, and a task of higher priority precedes the others of its user", async () => {
    const { ctx } = rowmill;
    await limitGeneric({ concurrent: 0 });
    const many = await newTasks(user, 6);
    const urgent = await newTask(ctx, user.userId, 0, { priority: 9 });
    const other = await newTask(ctx, operator.userId);
    await until("all wait", async () => (await limitOf("generic"))?.waiting === 8);
    await limitGeneric({ perSecond: 5 });
    await starts([...many, urgent, other]);
    const { rows } = await ctx.pool.query<{ id: string }>(
      "SELECT id FROM rowmill.tasks WHERE id = ANY($1) ORDER BY started_at LIMIT 2",
      [[...many, urgent, other]],
    );
    expect(rows.map(({ id }) => id).sort()).toEqual([urgent, other].sort());
  });

  test("a cancelled task leaves the line, and waits again when it is retried", async () => {
    const { ctx } = rowmill;
    await limitGeneric({ concurrent: 0 });
    const [id = ""] = await newTasks(user, 1);
    await until("it waits", async () => (await limitOf("generic"))?.waiting === 1);
    await user.post(`/api/v1/tasks/${id}/cancel`);
    expect((await limitOf("generic"))?.waiting).toBe(0);
    await user.post(`/api/v1/tasks/${id}/retry`);
    await until("it waits again", async () => (await limitOf("generic"))?.waiting === 1);
    await limitGeneric({ concurrent: 1 });
    expect(await endedTask(ctx, id)).toMatchObject({ status: "completed", attempt: 1 });
  });
});

test.for([
  ["warns of a read of limits that fails while it runs", false],
  ["does not warn of one that fails because it has stopped", true],
] as const)("a worker %s", async ([, isStopped]) => {
  const { ctx } = rowmill;
  const log = ctx.log.child({});
  const warn = vi.spyOn(log, "warn");
  let failed = 0;
  const own = { ...ctx, log, limitedTypes: new Set<string>() };
  const following = await followLimits(own);
  Object.defineProperty(own, "db", {
    get() {
      if (isStopped) following[Symbol.dispose]();
      failed++;
      throw new Error("The connections are closed.");
    },
  });
  ctx.listener.wake(LIMIT_CHANNEL, "");
  await until("the read has failed", async () => failed > 0);
  following[Symbol.dispose]();
  expect(warn).toHaveBeenCalledTimes(isStopped ? 0 : 1);
});
