/** A worker reads only the tasks that it runs, whatever the planner knows about the queue. */
import { describe, expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import { uuidV7 } from "../../../src/platform/ids.ts";
import { completeJobs, touchJobs } from "../../../src/platform/queue/claims.ts";
import { fetchJobs } from "../../../src/platform/queue/fetch-jobs.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { completeTogether } from "../../../src/tasks/run/complete-together.ts";
import { runTask } from "../../../src/tasks/run/run-task.ts";
import { handBack, startTogether } from "../../../src/tasks/run/start-together.ts";
import { reconcileTasks } from "../../../src/tasks/upkeep/reconcile-tasks.ts";
import { rowsRead } from "../../support/rows-read.ts";
import { newTask } from "../../support/tasks.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const SET = 20;
const WAITING = 5000;
/** Rows and index entries per task and statement. If all waiting tasks are read once for the set, it is 125 or more. */
const MOST_PER_TASK = 20;

const TABLES = ["tasks", "job_common"];
const { name } = jobs.runTask;

/** When the planner has looked at the tables. The many tasks are always created afterwards. */
const STATISTICS = ["never", "when they were empty", "when all tasks had ended"] as const;

describe.for(STATISTICS)("analyzed %s", (analyzed) => {
  const rowmill = useRowmill();
  const user = useUser(rowmill);

  const analyze = async () => {
    await rowmill.ctx.pool.query("ANALYZE rowmill.tasks, rowmill.users, rowmill_queue.job_common");
  };

  async function createMany(): Promise<void> {
    const requests = Array.from({ length: WAITING }, () => ({ type: "generic", params: { seconds: 0 } }));
    await createTasks(rowmill.ctx, user.userId, requests);
  }

  const take = async (count: number) => {
    const taken = await fetchJobs(rowmill.ctx.db, name, { ignoredGroups: ["0"], count });
    return taken.map(({ id, data, retryCount }) => ({
      claim: { name, id, retryCount },
      work: data as { taskId: string; run: number; type: string },
    }));
  };

  const delivery = () => ({
    id: uuidV7(new Date()),
    payload: {},
    attempt: 1,
    signal: new AbortController().signal,
  });

  async function costOf<T>(
    statement: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly read: number }> {
    const before = await rowsRead(rowmill, TABLES);
    const result = await statement();
    return { result, read: (await rowsRead(rowmill, TABLES)) - before };
  }

  test("a set of tasks is taken, started, handed back and completed without reading the tasks that wait", async () => {
    const { ctx } = rowmill;
    for (const table of ["rowmill.tasks", "rowmill.users", "rowmill_queue.job_common"])
      await ctx.pool.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
    if (analyzed === "when they were empty") await analyze();
    if (analyzed === "when all tasks had ended") {
      await newTask(ctx, user.userId);
      for (const { claim, work } of await take(1)) {
        await runTask(ctx, work, delivery());
        await completeJobs(ctx.db, name, [{ claim, result: {} }]);
      }
      await analyze();
    }
    await createMany();
    const most = MOST_PER_TASK * SET;

    const taken = await costOf(() => take(SET));
    expect(taken.result).toHaveLength(SET);
    expect.soft(taken.read, "taken").toBeLessThan(most);

    const start = () => Promise.all(taken.result.map(({ work }) => startTogether(ctx, work)));
    const started = await costOf(start);
    expect(started.result).not.toContain(null);
    expect.soft(started.read, "started").toBeLessThan(most);

    const claims = taken.result.map(({ claim }) => claim);
    const touched = await costOf(() => touchJobs(ctx.db, name, claims));
    expect(touched.result.size).toBe(SET);
    expect.soft(touched.read, "touched").toBeLessThan(most);

    const tasks = started.result.flatMap((task) => task ?? []);
    const handedBack = await costOf(() => Promise.all(tasks.map((task) => handBack(ctx, task))));
    expect.soft(handedBack.read, "handed back").toBeLessThan(most);

    const again = (await start()).flatMap((task) => task ?? []);
    const completed = await costOf(() =>
      Promise.all(again.map((task) => completeTogether(ctx, task, { message: "" }))),
    );
    expect(completed.result).not.toContain(undefined);
    expect.soft(completed.read, "completed").toBeLessThan(most);

    const completions = claims.map((claim) => ({ claim, result: {} }));
    const ended = await costOf(() => completeJobs(ctx.db, name, completions));
    expect(ended.result).toEqual(claims.map(() => true));
    expect.soft(ended.read, "jobs completed").toBeLessThan(most);
  });

  test("a task that runs alone is started and completed without reading the tasks that wait", async () => {
    const [job] = await take(1);
    if (!job) throw new Error("a task waits");
    const { result, read } = await costOf(() => runTask(rowmill.ctx, job.work, delivery()));
    expect(result).toEqual({ status: "completed" });
    // Its start and its end.
    expect(read).toBeLessThan(2 * MOST_PER_TASK);
  });

  test("the reconciler reads each task that waits once", async () => {
    const { ctx } = rowmill;
    await ctx.pool.query(
      `UPDATE rowmill.tasks SET created_at = now() - interval '1 h' + number * interval '1 ms', due_at = now() - interval '1 h'
      WHERE status = 'pending'`,
    );
    const before = await rowsRead(rowmill, ["tasks"]);
    expect(await reconcileTasks(ctx)).toEqual({ tasksRequeued: 0, tasksGivenUp: 0 });
    // Each as an index entry and as a row, also in the version before the update.
    expect((await rowsRead(rowmill, ["tasks"])) - before).toBeLessThan(6 * WAITING);
  });
});
