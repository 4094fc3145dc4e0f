/** Lets a task start if its lane has room, or lets it wait. */
import { and, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../transitions.ts";
import type { Lane, Pace, PaceOf } from "./lane.ts";

/**
 * A waiting task is woken when its turn comes, so this is only a safeguard. It is long, because tens of thousands of tasks
 * can wait in a lane, and while they look, other tasks of their user do not start.
 */
const LOOK_AGAIN_SECONDS = 4 * 3600;
/** A task that was let start counts for this time although it has not started yet. */
const STARTING_SECONDS = 15;
/** A task with a rate that has more tasks before it waits until it is woken. The others come back at the time of their turn. */
const MAX_COUNTED = 100;

/**
 * Call it before the task starts, in the same transaction if there is one.
 * @returns in how many seconds to look again; null: the task may start, or has ended
 */
export async function takeSlot(
  ctx: Context,
  { taskId, run }: { readonly taskId: string; readonly run: number },
  paceOf: PaceOf,
): Promise<number | null> {
  const [task] = await ctx.db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, taskId), eq(tasks.run, run)));
  if (!task) return null;
  const pace = paceOf(task.params);
  const lane = { userId: task.userId, host: pace.host };
  return inTransaction(ctx, async (tx) => {
    const { nextInSeconds, heldSeconds } = await lockLane(tx, lane);
    const { running, before, isStarted } = await countOthers(
      tx,
      lane,
      task,
      pace.perSecond === null ? 1 : MAX_COUNTED,
    );
    // The worker was lost: the task goes on in its own slot.
    if (isStarted) return null;
    const pauseSeconds = Math.max(nextInSeconds, heldSeconds);
    const hasRoom = running < pace.concurrent && before === 0;
    await storeSlot(tx, lane, task, { pace, isStarting: hasRoom && pauseSeconds <= 0 });
    if (hasRoom && pauseSeconds <= 0) {
      if (pace.perSecond !== null) await countStart(tx, lane, pace.perSecond);
      return null;
    }
    if (pace.perSecond === null) return heldSeconds > 0 ? heldSeconds : LOOK_AGAIN_SECONDS;
    const turnSeconds = Math.max(0, pauseSeconds) + before / pace.perSecond;
    return running < pace.concurrent && before < MAX_COUNTED
      ? turnSeconds
      : Math.max(turnSeconds, LOOK_AGAIN_SECONDS);
  });
}

/** Creates the lane if this is its first task. */
async function lockLane({ db }: Tx, { userId, host }: Lane) {
  // With DO UPDATE instead of DO NOTHING, the row is locked even if another transaction has just created it.
  const { rows } = await db.execute<{ next: string; held: string }>(sql`
    INSERT INTO rowmill.http_lanes AS lane (user_id, host, next_at, held_until)
    VALUES (${userId}, ${host}, clock_timestamp(), clock_timestamp())
    ON CONFLICT (user_id, host) DO UPDATE SET next_at = lane.next_at
    RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 AS next,
      extract(epoch FROM held_until - clock_timestamp())::float8 AS held`);
  return { nextInSeconds: Number(rows[0]?.next ?? 0), heldSeconds: Number(rows[0]?.held ?? 0) };
}

/** The statuses are read by id, one by one: a plan must not depend on statistics. */
const statusOf = sql`(SELECT status FROM rowmill.tasks WHERE tasks.id = slot.task_id)`;

export const isRunning = sql`
  (${statusOf} = 'processing' OR (${statusOf} = 'pending' AND slot.started_at > clock_timestamp() - make_interval(secs => ${STARTING_SECONDS})))`;
export const isWaiting = sql`(SELECT job_id FROM rowmill.tasks WHERE tasks.id = slot.task_id AND status = 'pending') = slot.job_id`;

/** @param most the number of waiting tasks to count */
async function countOthers({ db }: Tx, { userId, host }: Lane, { id, priority, number }: Task, most: number) {
  const { rows } = await db.execute<{ running: number; before: number; isStarted: boolean }>(sql`
    WITH started AS (
      SELECT task_id, ${statusOf} AS status FROM rowmill.http_slots AS slot
      WHERE user_id = ${userId} AND host = ${host} AND started_at IS NOT NULL AND ${isRunning}
    ), waiting AS (
      SELECT FROM rowmill.http_slots AS slot
      WHERE user_id = ${userId} AND host = ${host} AND started_at IS NULL AND task_id <> ${id}
        AND (priority > ${priority} OR (priority = ${priority} AND number < ${number})) AND ${isWaiting}
      LIMIT ${most}
    )
    SELECT (SELECT count(*)::int FROM started WHERE task_id <> ${id}) AS running,
      (SELECT count(*)::int FROM waiting) AS before,
      EXISTS (SELECT FROM started WHERE task_id = ${id} AND status = 'processing') AS "isStarted"`);
  return rows[0] ?? { running: 0, before: 0, isStarted: false };
}

async function storeSlot(
  { db }: Tx,
  { userId, host }: Lane,
  { id, jobId, priority, number }: Task,
  { pace, isStarting }: { pace: Pace; isStarting: boolean },
): Promise<void> {
  const startedAt = isStarting ? sql`clock_timestamp()` : sql`NULL`;
  await db.execute(sql`
    INSERT INTO rowmill.http_slots (task_id, job_id, user_id, host, priority, number, concurrent, started_at)
    VALUES (${id}, ${jobId}, ${userId}, ${host}, ${priority}, ${number}, ${pace.concurrent}, ${startedAt})
    ON CONFLICT (task_id) DO UPDATE SET job_id = excluded.job_id, user_id = excluded.user_id, host = excluded.host,
      priority = excluded.priority, number = excluded.number, concurrent = excluded.concurrent, started_at = excluded.started_at`);
}

/** Starts that are late are not made up for, beyond a tenth of a second. */
async function countStart({ db }: Tx, { userId, host }: Lane, perSecond: number): Promise<void> {
  await db.execute(sql`
    UPDATE rowmill.http_lanes
    SET next_at = greatest(next_at, clock_timestamp() - interval '0.1 s') + make_interval(secs => ${1 / perSecond})
    WHERE user_id = ${userId} AND host = ${host}`);
}
