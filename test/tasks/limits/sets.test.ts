import { beforeEach, expect, test } from "vitest";
import type { OpenContext } from "../../../src/open-context.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { setLimit } from "../../../src/tasks/limits/change-limit.ts";
import { grantStarts } from "../../../src/tasks/limits/grant-starts.ts";
import { startTogetherWithinLimit } from "../../../src/tasks/run/start-together.ts";
import { taskJobId } from "../../../src/tasks/task-jobs.ts";
import { count } from "../../support/count.ts";
import { recordStatements } from "../../support/record-statements.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const TYPE = "generic";

const rowmill = useRowmill();
const users = [useUser(rowmill), useAdmin(rowmill, "other"), useAdmin(rowmill, "third")];

beforeEach(() => rowmill.ctx.pool.query("DELETE FROM rowmill.tasks"));

async function newTasks(ctx: OpenContext, userId: number, number: number) {
  const requests = Array.from({ length: number }, () => ({ type: TYPE, params: { seconds: 0 } }));
  const { tasks } = await createTasks(ctx, userId, requests, { together: "parallel" });
  return tasks.map(({ id }) => ({ taskId: id, run: 1, jobId: taskJobId(id, 1) }));
}

type Run = Awaited<ReturnType<typeof newTasks>>[number];

/** Starts tasks as a worker that has taken them together. @returns how many of them started */
async function startSet(ctx: OpenContext, runs: readonly Run[]): Promise<number> {
  const started = await Promise.all(runs.map((run) => startTogetherWithinLimit(ctx, TYPE, run)));
  for (const one of started) expect(one).not.toBe("alone");
  return started.filter((one) => one !== "waits" && one !== null).length;
}

const limitTo = (perSecond: number) => setLimit(rowmill.ctx, TYPE, { perSecond, concurrent: null });

/** All starts before this moment are as old as a second. */
const letASecondPass = () =>
  rowmill.ctx.pool.query("UPDATE rowmill.task_limits SET recent = '[]', next_at = now() - interval '1 s'");

const granted = () =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.limit_waits WHERE granted_at IS NOT NULL");

const sentBy = (statements: ReadonlyMap<unknown, readonly string[]>) =>
  [...statements.values()].flat().length;

test("a set of limited tasks starts, waits, gets its turns and starts with as many statements as one task", async () => {
  const { ctx } = rowmill;
  const costs: number[][] = [];
  // Connections send statements of their own at times.
  const others = 5;
  for (const size of [2, 40]) {
    await limitTo(1000);
    await letASecondPass();
    const userId = users[0]?.userId ?? 0;
    const [first, second] = [await newTasks(ctx, userId, size), await newTasks(ctx, userId, size)];
    const statements = recordStatements();
    const cost: number[] = [];
    const note = () => cost.push(sentBy(statements) - cost.reduce((sum, one) => sum + one, 0));
    expect(await startSet(ctx, first)).toBe(size);
    note();
    await limitTo(0.1);
    note();
    expect(await startSet(ctx, second)).toBe(0);
    note();
    await limitTo(1000);
    await letASecondPass();
    note();
    await grantStarts(ctx, TYPE);
    note();
    expect(await granted()).toBe(size);
    note();
    expect(await startSet(ctx, second)).toBe(size);
    note();
    costs.push(cost);
    await ctx.pool.query("DELETE FROM rowmill.tasks");
  }
  const [ofTwo = [], ofForty = []] = costs;
  for (const [step, cost] of ofForty.entries())
    expect(cost, `step ${step}`).toBeLessThan((ofTwo[step] ?? 0) + others);
});

test("no second has more starts than the limit, also with turns that are used late", async () => {
  const { ctx } = rowmill;
  await limitTo(20);
  await letASecondPass();
  let runs = await newTasks(ctx, users[0]?.userId ?? 0, 40);
  const started = () => count(ctx.pool, "SELECT count(*) FROM rowmill.tasks WHERE status = 'processing'");
  for (let round = 0; round < 8; round++) {
    await startSet(ctx, runs);
    const { rows } = await ctx.pool.query<{ id: string }>(
      "SELECT id FROM rowmill.tasks WHERE status = 'pending'",
    );
    const pending = new Set(rows.map(({ id }) => id));
    runs = runs.filter(({ taskId }) => pending.has(taskId));
    // The rate alone would allow more: it makes up for starts that are late.
    await ctx.pool.query(
      `UPDATE rowmill.task_limits SET next_at = now() - interval '1 h',
        recent = (SELECT jsonb_agg(jsonb_build_array(extract(epoch FROM clock_timestamp()), one->1)) FROM jsonb_array_elements(recent) AS one)`,
    );
    await grantStarts(ctx, TYPE);
    expect((await started()) + (await granted())).toBeLessThanOrEqual(20);
  }
  expect(await started()).toBe(20);
});

test("users take turns in a set whose tasks may not all start, and in the line", async () => {
  const { ctx } = rowmill;
  await limitTo(1000);
  await letASecondPass();
  const runs: Run[] = [];
  for (const { userId } of users) runs.push(...(await newTasks(ctx, userId, 10)));
  await ctx.pool.query(
    "UPDATE rowmill.task_limits SET recent = jsonb_build_array(jsonb_build_array(extract(epoch FROM clock_timestamp()) + 0.9, 994))",
  );
  expect(await startSet(ctx, runs)).toBe(6);
  const perUser = async (condition: string) => {
    const { rows } = await ctx.pool.query<{ count: string }>(
      `SELECT count(*) FROM rowmill.tasks LEFT JOIN rowmill.limit_waits ON task_id = tasks.id WHERE ${condition} GROUP BY tasks.user_id`,
    );
    return rows.map((row) => Number(row.count));
  };
  expect(await perUser("status = 'processing'")).toEqual([2, 2, 2]);
  await ctx.pool.query(
    `UPDATE rowmill.task_limits SET next_at = now() - interval '1 s',
      recent = jsonb_build_array(jsonb_build_array(extract(epoch FROM clock_timestamp()) + 0.9, 988))`,
  );
  await grantStarts(ctx, TYPE);
  expect(await perUser("granted_at IS NOT NULL")).toEqual([4, 4, 4]);
});
