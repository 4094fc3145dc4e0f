/** Short tasks run in sets: what happens to each of them is the same as alone. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Permanent, Retryable } from "../../../src/errors.ts";
import { pauseQueue, resumeQueue } from "../../../src/queues/pause-queue.ts";
import { cancelTask } from "../../../src/tasks/control/cancel-task.ts";
import { createTasks, type TaskRequest } from "../../../src/tasks/create/create-tasks.ts";
import { listEvents } from "../../../src/tasks/history.ts";
import { getTask } from "../../../src/tasks/queries.ts";
import { completeTogether } from "../../../src/tasks/run/complete-together.ts";
import { handBack, startTogether } from "../../../src/tasks/run/start-together.ts";
import type { Task } from "../../../src/tasks/transitions.ts";
import { genericType } from "../../../src/tasks/types/generic.ts";
import { onStatement } from "../../support/record-statements.ts";
import { asUser } from "../../support/rowmill.ts";
import { endedTask, eventsOf, newTask, untilTask } from "../../support/tasks.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({
  worker: true,
  settings: { WORKER_CONCURRENCY: "1", DATABASE_POOL_MAX: "16", TASK_MAX_RETRIES: "2" },
});
const user = useUser(rowmill);
const other = useUser(rowmill);
const third = useUser(rowmill);

type Behaviour = (title: string, attempt: number) => Promise<Record<string, unknown> | undefined>;

/** Tasks do what the test says instead of waiting. */
function behave(behaviour: Behaviour): void {
  vi.spyOn(genericType, "run").mockImplementation(async (_ctx, { task }) => {
    const { title, attempt } = task as Task;
    const more = (await behaviour(title, attempt)) ?? {};
    return { message: `Did ${task.title}.`, ...more };
  });
}

afterEach(async () => {
  vi.restoreAllMocks();
  await resumeQueue(rowmill.ctx, "default");
});

/** The worker learns that tasks are short, also after a test with a long one. */
beforeEach(async () => {
  for (let i = 0; i < 3; i++) {
    const { tasks } = await createTasks(
      rowmill.ctx,
      user.userId,
      Array.from({ length: 30 }, () => ({ type: "generic", params: { seconds: 0 } })),
    );
    for (const { id } of tasks) await endedTask(rowmill.ctx, id);
  }
});

/** Creates tasks while their queue is paused, so that the worker finds all of them at once. @returns their ids by title */
async function runTogether(
  requests: readonly (Partial<TaskRequest> & { title: string })[],
  then?: (ids: Map<string, string>) => unknown,
) {
  const { ctx } = rowmill;
  await pauseQueue(asUser(ctx, user.userId), "default");
  await until("the worker has heard of the pause", async () => {
    const id = await newTask(ctx, user.userId);
    await sleep(300);
    return (await getTask(ctx, null, id)).status === "pending";
  });
  const { tasks } = await createTasks(
    ctx,
    user.userId,
    requests.map((request) => ({ type: "generic", params: { seconds: 0 }, ...request })),
  );
  const ids = new Map(tasks.map(({ id }, index) => [requests[index]?.title ?? "", id]));
  await then?.(ids);
  await resumeQueue(ctx, "default");
  return ids;
}

/** Without the times that a busy machine made the task go back to the queue. */
async function historyOf(id: string): Promise<string> {
  const events = await eventsOf(rowmill.ctx, id);
  return events.join(" ").replaceAll("started queued ", "");
}

const titles = (count: number) => Array.from({ length: count }, (_, index) => ({ title: `task ${index}` }));

describe("the outcomes of a mixed set", () => {
  test("one fails, one is retried, one is cancelled meanwhile, one has a large result, and all others complete", async () => {
    const { ctx } = rowmill;
    let ids = new Map<string, string>();
    behave(async (title, attempt) => {
      if (title === "fails") throw new Permanent("bad", "It is bad.");
      if (title === "is retried" && attempt === 1)
        throw new Retryable("later", "Not yet.", { afterSeconds: 0.1, isExact: true });
      if (title === "cancels") await cancelTask(ctx, user.userId, ids.get("is cancelled") ?? "", "enough");
      if (title === "has a NUL") return { text: "a\u0000b" };
      return title === "is large" ? { text: "x".repeat(1_000_000) } : undefined;
    });
    const own = ["fails", "is retried", "cancels", "is large", "is cancelled", "has a NUL"];
    const requests = own.map((title) => ({ title, priority: title === "cancels" ? 9 : 5 }));
    await runTogether([...requests, ...titles(30)], (created) => {
      ids = created;
    });
    const ended = await Promise.all(
      [...ids].map(async ([title, id]) => [title, await endedTask(ctx, id)] as const),
    );
    const byTitle = new Map(ended);
    expect(byTitle.get("fails")).toMatchObject({
      status: "failed",
      errorCode: "bad",
      errorMessage: "It is bad.",
    });
    expect(byTitle.get("is retried")).toMatchObject({ status: "completed", attempt: 2, retryCount: 1 });
    expect(byTitle.get("is cancelled")).toMatchObject({ status: "cancelled", result: null });
    expect(byTitle.get("is large")).toMatchObject({
      status: "completed",
      result: { text: "x".repeat(1_000_000) },
    });
    expect(byTitle.get("has a NUL")).toMatchObject({ status: "completed", result: { text: "a\ufffdb" } });
    for (const { title } of titles(30)) {
      const task = byTitle.get(title);
      expect(task).toMatchObject({ status: "completed", attempt: 1, result: { message: `Did ${title}.` } });
      expect(await historyOf(task?.id ?? "")).toBe("created queued started completed");
    }
    expect(await historyOf(ids.get("is cancelled") ?? "")).toMatch(/^created queued (started )?cancelled$/);
  });

  test("tasks whose shared statements lose their connection end once each, and use up no retry", async () => {
    const { ctx } = rowmill;
    behave(async () => undefined);
    // A sequence keeps its value when the statement is rolled back.
    await ctx.pool.query(`
      CREATE SEQUENCE rowmill.ends;
      CREATE FUNCTION rowmill.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('rowmill.ends') IN (5, 45) THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN new;
      END $$;
      CREATE TRIGGER lose BEFORE INSERT ON rowmill.task_events FOR EACH ROW
        WHEN (new.type IN ('started', 'completed')) EXECUTE FUNCTION rowmill.lose()`);
    try {
      const ids = await runTogether(titles(30));
      for (const id of ids.values()) {
        expect(await endedTask(ctx, id)).toMatchObject({ status: "completed", retryCount: 0 });
        expect(await historyOf(id)).toMatch(/^created queued (started )+completed$/);
      }
      const { rows } = await ctx.pool.query("SELECT last_value::int AS ends FROM rowmill.ends");
      expect(rows[0].ends).toBeGreaterThan(45);
    } finally {
      await ctx.pool.query("DROP FUNCTION rowmill.lose() CASCADE; DROP SEQUENCE rowmill.ends");
    }
  });

  test("tasks with a higher priority run first, and the others in their order", async () => {
    const ran: string[] = [];
    behave(async (title) => {
      ran.push(title);
      return undefined;
    });
    const ids = await runTogether(
      [...titles(20), { title: "urgent 1", priority: 9 }, { title: "urgent 2", priority: 9 }],
      () => ran.splice(0),
    );
    for (const id of ids.values()) await endedTask(rowmill.ctx, id);
    const own = ran.filter((title) => ids.has(title));
    expect(own.slice(0, 2).sort()).toEqual(["urgent 1", "urgent 2"]);
    expect(own).toHaveLength(22);
  });

  test("the owner gets notifications of completed tasks up to the limit per hour", async () => {
    const { ctx } = rowmill;
    await other.patch("/api/v1/notification-preferences", { "task.completed": { in_app: true } });
    const { tasks } = await createTasks(
      ctx,
      other.userId,
      Array.from({ length: 260 }, () => ({ type: "generic", params: { seconds: 0 } })),
    );
    for (const { id } of tasks) await endedTask(ctx, id);
    const { rows } = await ctx.pool.query(
      `SELECT count(*)::int AS count, count(DISTINCT subject_id)::int AS subjects, bool_and(is_in_app) AS in_app, min(data->>'message') AS message
       FROM rowmill.notifications WHERE user_id = $1`,
      [other.userId],
    );
    // Two statements can count at the same moment.
    expect(rows[0].count).toBeGreaterThanOrEqual(100);
    expect(rows[0].count).toBeLessThanOrEqual(200);
    expect(rows[0]).toMatchObject({ subjects: rows[0].count, in_app: true });
    expect(rows[0].message).toMatch(/^Task completed successfully/);
  });
});

describe("a long task beside short ones", () => {
  test("a task that takes longer than expected holds back none of its set", async () => {
    const { ctx } = rowmill;
    const gate = Promise.withResolvers<void>();
    behave(async (title) => {
      if (title === "long") await gate.promise;
      return undefined;
    });
    const ids = await runTogether([{ title: "first" }, { title: "long", priority: 9 }, ...titles(20)]);
    const long = ids.get("long") ?? "";
    const others = [...ids.values()].filter((id) => id !== long);
    try {
      // Another place is free for the user with nothing running only, so they wait for the place, but not as processing.
      for (const id of others)
        await untilTask(ctx, id, "waits in its queue or has ended", ({ status }) => status !== "processing");
      await until("nothing else runs", async () => {
        const { rows } = await ctx.pool.query(
          "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE name = 'task.default' AND state = 'active'",
        );
        return rows[0].count === 1;
      });
      // The reserved place is for others.
      const theirs = await newTask(ctx, other.userId);
      expect((await endedTask(ctx, theirs)).status).toBe("completed");
      expect((await getTask(ctx, null, long)).status).toBe("processing");
      const waiting = await getTask(ctx, null, ids.get("task 5") ?? "");
      expect(waiting).toMatchObject({ status: "pending", attempt: 0, startedAt: null });
      // Otherwise they would precede tasks with the next higher priority.
      const { rows } = await ctx.pool.query("SELECT priority, data FROM rowmill_queue.job WHERE id = $1", [
        waiting.jobId,
      ]);
      expect(rows).toEqual([{ priority: 5, data: { taskId: waiting.id, run: 1, type: "generic" } }]);
    } finally {
      gate.resolve();
    }
    for (const id of others) {
      expect(await endedTask(ctx, id)).toMatchObject({ status: "completed", attempt: 1, retryCount: 0 });
      const { items } = await listEvents(ctx, id, 0, 100);
      expect(items.map(({ type }) => type).slice(-2)).toEqual(["started", "completed"]);
    }
    expect((await endedTask(ctx, long)).status).toBe("completed");
  });

  test("a task that went back does not wait for a long task of another user", async () => {
    const { ctx } = rowmill;
    let gate = Promise.withResolvers<void>();
    behave(async (title) => {
      if (title === "long") await gate.promise;
      return undefined;
    });
    let events: string[] = [];
    // On a busy machine, a set can be too small for both.
    for (let round = 0; round < 5 && events.length < 6; round++) {
      gate = Promise.withResolvers<void>();
      let [long, theirs] = ["", ""];
      // Both users have had no turn before, so one fetch takes the tasks of both.
      const ids = await runTogether(titles(5), async () => {
        long = await newTask(ctx, third.userId, 0, { title: "long", priority: 9 });
        theirs = await newTask(ctx, other.userId, 0, { priority: 8 });
      });
      try {
        expect(await endedTask(ctx, theirs)).toMatchObject({ status: "completed", attempt: 1 });
        expect((await getTask(ctx, null, long)).status).toBe("processing");
      } finally {
        gate.resolve();
      }
      events = await eventsOf(ctx, theirs);
      for (const id of [long, ...ids.values()]) await endedTask(ctx, id);
    }
    expect(events).toEqual(["created", "queued", "started", "queued", "started", "completed"]);
  });

  test("tasks of another user are not behind a thousand tasks of one", async () => {
    const { ctx } = rowmill;
    const { tasks } = await createTasks(
      ctx,
      user.userId,
      Array.from({ length: 3000 }, () => ({ type: "generic", params: { seconds: 0 } })),
    );
    const theirs = await newTask(ctx, other.userId);
    await endedTask(ctx, theirs);
    const { rows } = await ctx.pool.query(
      "SELECT count(*)::int AS waiting FROM rowmill.tasks WHERE user_id = $1 AND status = 'pending'",
      [user.userId],
    );
    expect(rows[0].waiting).toBeGreaterThan(0);
    await endedTask(ctx, tasks.at(-1)?.id ?? "", 60_000);
  });
});

test("a hundred short tasks cost fewer statements than one each", async () => {
  const { ctx } = rowmill;
  const statements: string[] = [];
  onTestFinished(onStatement((_, { text }) => statements.push(text)));
  const costOfHundred = async () => {
    const ids = await runTogether(titles(100), () => statements.splice(0));
    for (const id of ids.values()) await endedTask(ctx, id);
    return statements.filter((text) => /UPDATE|INSERT/.test(text) && /rowmill\.tasks|"tasks"|job/.test(text))
      .length;
  };
  // A set is fetched, started, ended and completed in a few statements. Alone, the tasks cost 400. Sets are smaller after a
  // moment in which the machine was busy, and grow again.
  await until("sets are large", async () => (await costOfHundred()) < 150);
});

describe("the statements of a set", () => {
  async function pendingTasks(count: number, request: Partial<TaskRequest> = {}) {
    const { ctx } = rowmill;
    // No worker takes tasks that are due in an hour.
    const startAfter = new Date(ctx.now().getTime() + 3_600_000);
    const { tasks } = await createTasks(
      ctx,
      user.userId,
      Array.from({ length: count }, () => ({
        type: "generic",
        params: { seconds: 0 },
        startAfter,
        ...request,
      })),
    );
    return tasks.map(({ id }) => ({ taskId: id, run: 1 }));
  }

  test("tasks with large parameters are not all read at once", async () => {
    const runs = await pendingTasks(10, { metadata: { text: "x".repeat(500_000) } });
    const started = await Promise.all(runs.map((run) => startTogether(rowmill.ctx, run)));
    expect(started.filter((task) => task !== null)).toHaveLength(4);
    expect(started.slice(0, 4).every((task) => task?.status === "processing")).toBe(true);
    const [next] = await Promise.all([startTogether(rowmill.ctx, runs[5] ?? { taskId: "", run: 0 })]);
    expect(next?.attempt).toBe(1);
  });

  test("a task that another transaction holds is left to a statement of its own, and delays none", async () => {
    const { ctx } = rowmill;
    const runs = await pendingTasks(5);
    const client = await ctx.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT FROM rowmill.tasks WHERE id = $1 FOR UPDATE", [runs[2]?.taskId]);
      const started = await Promise.all(runs.map((run) => startTogether(ctx, run)));
      expect(started.map((task) => task?.status ?? null)).toEqual([
        "processing",
        "processing",
        null,
        "processing",
        "processing",
      ]);
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  test("an outcome counts only for its own attempt", async () => {
    const { ctx } = rowmill;
    const runs = await pendingTasks(3);
    const first = await Promise.all(runs.map((run) => startTogether(ctx, run)));
    // The second task is started again, as if its worker had been lost.
    const again = await Promise.all(runs.slice(1, 2).map((run) => startTogether(ctx, run)));
    expect(again[0]).toMatchObject({ attempt: 2 });
    const ended = await Promise.all(
      first.map((task) => task && completeTogether(ctx, task, { message: "Good." })),
    );
    expect(ended.map((task) => task?.status)).toEqual(["completed", undefined, "completed"]);
    const events = await eventsOf(ctx, runs[1]?.taskId ?? "");
    expect(events).toEqual(["created", "queued", "started", "started"]);
  });

  test("two attempts of a task that end together do not both count", async () => {
    const { ctx } = rowmill;
    const runs = await pendingTasks(1);
    const [run = { taskId: "", run: 0 }] = runs;
    const lost = await startTogether(ctx, run);
    const latest = await startTogether(ctx, run);
    const ended = await Promise.all(
      [lost, latest].map((task) => task && completeTogether(ctx, task, { message: "Good." })),
    );
    expect(ended.map((task) => task?.status)).toEqual([undefined, "completed"]);
  });

  test("a job of an earlier run in the same set does not start the task", async () => {
    const { ctx } = rowmill;
    const [run = { taskId: "", run: 0 }] = await pendingTasks(1);
    await ctx.pool.query("UPDATE rowmill.tasks SET run = 2 WHERE id = $1", [run.taskId]);
    const started = await Promise.all([startTogether(ctx, run), startTogether(ctx, { ...run, run: 2 })]);
    expect(started.map((task) => task?.run ?? null)).toEqual([null, 2]);
    expect((await getTask(ctx, null, run.taskId)).attempt).toBe(1);
  });

  test("tasks that have completed stay completed if no job can be added for their announcements", async () => {
    const { ctx } = rowmill;
    await user.patch("/api/v1/notification-preferences", { "task.completed": { email: true } });
    await ctx.pool.query(
      "UPDATE rowmill.users SET email = 'reader@example.com', confirmed_email = 'reader@example.com' WHERE id = $1",
      [user.userId],
    );
    const runs = await pendingTasks(4);
    const started = await Promise.all(runs.map((run) => startTogether(ctx, run)));
    await ctx.pool.query(`
      CREATE FUNCTION rowmill.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON rowmill_queue.job FOR EACH ROW
        WHEN (new.name = 'notification.notify') EXECUTE FUNCTION rowmill.refuse()`);
    try {
      const ended = await Promise.all(
        started.map((task) => task && completeTogether(ctx, task, { message: "Good." })),
      );
      expect(ended.map((task) => task?.status)).toEqual(started.map(() => "completed"));
    } finally {
      await ctx.pool.query("DROP FUNCTION rowmill.refuse() CASCADE");
      await user.patch("/api/v1/notification-preferences", { "task.completed": { email: false } });
    }
    const { rows } = await ctx.pool.query(
      "SELECT FROM rowmill.notifications WHERE user_id = $1 AND is_mailed",
      [user.userId],
    );
    expect(rows).toHaveLength(4);
  });

  test("a task that was handed back is as before, and only its own attempt can be handed back", async () => {
    const { ctx } = rowmill;
    const [run = { taskId: "", run: 0 }] = await pendingTasks(1);
    const first = await startTogether(ctx, run);
    const second = await startTogether(ctx, run);
    if (!first || !second) throw new Error("The task did not start.");
    await handBack(ctx, first);
    expect(await getTask(ctx, null, run.taskId)).toMatchObject({ status: "processing", attempt: 2 });
    await handBack(ctx, second);
    expect(await getTask(ctx, null, run.taskId)).toMatchObject({ status: "pending", attempt: 1 });
  });
});
