/** Starts the tasks of a set in one statement, and hands back those that did not run. */
import { sql } from "drizzle-orm";
import { type Context, changeExpression, publishLocally, sharedContext } from "../../context.ts";
import { Grouped } from "../../platform/grouped.ts";
import { onePer } from "../../platform/one-per.ts";
import { isTransient } from "../../platform/postgres/database.ts";
import { tasks } from "../../schema/tasks.ts";
import { type Started, startWithinLimit } from "../limits/start-within-limit.ts";
import { TASK_CHANNEL, type Task, taskOf, transition, WORKFLOW_CHANNEL } from "../transitions.ts";
import { lockedTask } from "./locked-task.ts";

const MAX_TASKS = 50;
/** Parameters and earlier results of the tasks that one statement starts. The others start alone, one after the other. */
const MAX_BYTES = 2 * 1024 * 1024;

export const RESUMED = "The previous worker was lost or stopped.";

interface Run {
  readonly taskId: string;
  readonly run: number;
}

/** A task of a limited type. */
interface LimitedRun extends Run {
  readonly jobId: string;
}

const startsOf = onePer<Context["pool"], Grouped<Run, Task | null>>();
const limitedOf = onePer<Context["pool"], Map<string, Grouped<LimitedRun, Started | "waits">>>();
const backsOf = onePer<Context["pool"], Grouped<Task, null>>();

/** @returns null if the task must be started alone, because another transaction holds it or it is large, or if it cannot be */
export function startTogether(ctx: Context, { taskId, run }: Run): Promise<Task | null> {
  const group = startsOf(ctx.pool, () => {
    const shared = sharedContext(ctx);
    const start = (runs: readonly Run[]) => startAll(shared, runs);
    return new Grouped(start, isTransient, { maxItems: MAX_TASKS });
  });
  return group.add({ taskId, run });
}

/** @returns `waits`: the job must be put back, because the limit of the type allows no start; `alone`, null: as `startTogether` */
export function startTogetherWithinLimit(
  ctx: Context,
  type: string,
  run: LimitedRun,
): Promise<Started | "waits"> {
  const groups = limitedOf(ctx.pool, () => new Map());
  let group = groups.get(type);
  if (!group) {
    const shared = sharedContext(ctx);
    const start = async (within: Context, runs: readonly Run[]) =>
      (await startAll(within, runs)).map((task) => task ?? ("alone" as const));
    const startAllowed = (runs: readonly LimitedRun[]) => startWithinLimit(shared, type, runs, start);
    group = new Grouped(startAllowed, isTransient, { maxItems: MAX_TASKS });
    groups.set(type, group);
  }
  return group.add(run);
}

async function startAll(ctx: Context, runs: readonly Run[]): Promise<(Task | null)[]> {
  const ids = sql.param(runs.map(({ taskId }) => taskId));
  const numbers = sql.param(runs.map(({ run }) => run));
  const columns = sql`run, status, octet_length(params::text) + octet_length(metadata::text) + octet_length(description)
    + coalesce(octet_length(result::text), 0) AS bytes`;
  const { rows } = await ctx.db.execute<Record<string, unknown>>(sql`
    WITH held AS MATERIALIZED (
      SELECT given.id, task.status, sum(bytes) OVER (ORDER BY place) AS bytes
      FROM unnest(${ids}::uuid[], ${numbers}::int[]) WITH ORDINALITY AS given (id, run, place)
      CROSS JOIN ${lockedTask(sql`given.id`, columns)} AS task
      WHERE task.run = given.run AND task.status IN ('pending', 'processing')
    ), changed AS (
      UPDATE rowmill.tasks SET status = 'processing', attempt = attempt + 1, progress = 0,
        started_at = statement_timestamp(), updated_at = statement_timestamp()
      FROM held WHERE tasks.id = held.id AND held.bytes <= ${MAX_BYTES}
      RETURNING tasks.*, held.status = 'processing' AS is_resumed
    ), recorded AS (
      INSERT INTO rowmill.task_events (task_id, type, message, created_at)
      SELECT id, 'started', CASE WHEN is_resumed THEN ${RESUMED} ELSE '' END, statement_timestamp() FROM changed
    )
    SELECT changed.*, ${changeExpression(TASK_CHANNEL, sql`id::text`)} AS published,
      CASE WHEN workflow_id IS NOT NULL THEN ${changeExpression(WORKFLOW_CHANNEL, sql`workflow_id::text`)} END AS workflow
    FROM changed`);
  const started = new Map(rows.map((row) => [String(row.id), taskOf(row)]));
  publishLocally(ctx, TASK_CHANNEL, [...started.keys()]);
  const workflows = [...started.values()].flatMap(({ workflowId }) => workflowId ?? []);
  publishLocally(ctx, WORKFLOW_CHANNEL, [...new Set(workflows)]);
  return runs.map(({ taskId, run }) => {
    const task = started.get(taskId);
    return task?.run === run ? task : null;
  });
}

const HANDED_BACK = "The worker was busy with other tasks.";

/** Returns a task that was started, but did not run, to its queue. The attempt does not count. */
export async function handBack(ctx: Context, task: Task): Promise<void> {
  const group = backsOf(ctx.pool, () => {
    const shared = sharedContext(ctx);
    const giveBack = (all: readonly Task[]) => handBackAll(shared, all);
    return new Grouped(giveBack, isTransient, { maxItems: MAX_TASKS });
  });
  await group.add(task);
}

async function handBackAll(ctx: Context, all: readonly Task[]): Promise<null[]> {
  const ids = sql.param(all.map(({ id }) => id));
  const attempts = sql.param(all.map(({ attempt }) => attempt));
  const held = sql`${tasks.id} IN (
    SELECT given.id FROM unnest(${ids}::uuid[], ${attempts}::int[]) AS given (id, attempt)
    CROSS JOIN ${lockedTask(sql`given.id`, sql`attempt, status`)} AS started
    WHERE started.attempt = given.attempt AND started.status = 'processing')`;
  const changes = {
    attempt: sql`${tasks.attempt} - 1`,
    startedAt: sql`CASE WHEN ${tasks.attempt} > 1 THEN ${tasks.startedAt} END`,
  };
  await transition(ctx, "handBack", held, changes, { message: HANDED_BACK });
  return all.map(() => null);
}
