/** Gives up slots, and wakes the tasks whose turn it is. */
import { and, eq, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { taskJobs } from "../../jobs.ts";
import { httpSlots } from "../../schema/http-lanes.ts";
import type { Task } from "../transitions.ts";
import type { Lane, PaceOf } from "./lane.ts";
import { isRunning, isWaiting } from "./take-slot.ts";

/** Tasks that are woken at a time, per lane. */
const MAX_WOKEN = 20;
/** Lanes that are looked at each second. The next look begins behind the last one. */
const MAX_LANES = 200;

/** Call it when the attempt has ended. The next waiting tasks of the lane can start. */
export async function giveUpSlot(
  ctx: Context,
  { id, jobId, userId, params }: Task,
  paceOf: PaceOf,
): Promise<void> {
  await ctx.db.delete(httpSlots).where(and(eq(httpSlots.taskId, id), eq(httpSlots.jobId, jobId)));
  await wake(ctx, [{ userId, host: paceOf(params).host }]);
}

/** The host asked for no requests for a while. */
export async function holdLane({ db }: Context, { userId, host }: Lane, seconds: number): Promise<void> {
  await db.execute(sql`
    UPDATE rowmill.http_lanes SET held_until = greatest(held_until, clock_timestamp() + make_interval(secs => ${seconds}))
    WHERE user_id = ${userId} AND host = ${host}`);
}

/**
 * Wakes what no event has woken: after a cancelled task, a lost worker, or a job that was put back just after its turn.
 * @param after the last lane of the look before
 * @returns the last lane; null: all lanes were looked at
 */
export async function wakeNextLanes(ctx: Context, after: Lane | null): Promise<Lane | null> {
  const isNext = after ? sql`AND (user_id, host) > (${after.userId}, ${after.host})` : sql``;
  const { rows } = await ctx.db.execute<{ userId: string; host: string }>(sql`
    WITH RECURSIVE lanes AS (
      (SELECT user_id, host FROM rowmill.http_slots WHERE started_at IS NULL ${isNext} ORDER BY user_id, host LIMIT 1)
      UNION ALL
      SELECT next.* FROM lanes CROSS JOIN LATERAL (
        SELECT user_id, host FROM rowmill.http_slots AS slot
        WHERE started_at IS NULL AND (slot.user_id, slot.host) > (lanes.user_id, lanes.host) ORDER BY user_id, host LIMIT 1
      ) AS next
    )
    SELECT user_id AS "userId", host FROM lanes LIMIT ${MAX_LANES}`);
  const lanes = rows.map(({ userId, host }) => ({ userId: Number(userId), host }));
  if (lanes.length > 0) await wake(ctx, lanes);
  return lanes.length === MAX_LANES ? (lanes.at(-1) ?? null) : null;
}

/** A task that is woken asks again whether it may start. */
async function wake(ctx: Context, lanes: readonly Lane[]): Promise<void> {
  const column = (key: keyof Lane) => sql.param(lanes.map((lane) => lane[key]));
  const { rows } = await ctx.db.execute<{ jobId: string }>(sql`
    SELECT waiting.job_id AS "jobId"
    FROM unnest(${column("userId")}::bigint[], ${column("host")}::text[]) AS given (user_id, host)
    JOIN rowmill.http_lanes AS lane ON lane.user_id = given.user_id AND lane.host = given.host
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS running FROM rowmill.http_slots AS slot
      WHERE slot.user_id = given.user_id AND slot.host = given.host AND started_at IS NOT NULL AND ${isRunning}
    ) AS busy
    CROSS JOIN LATERAL (
      SELECT job_id, concurrent, row_number() OVER (ORDER BY priority DESC, number) AS place FROM (
        SELECT job_id, concurrent, priority, number FROM rowmill.http_slots AS slot
        WHERE slot.user_id = given.user_id AND slot.host = given.host AND started_at IS NULL AND ${isWaiting}
        ORDER BY priority DESC, number LIMIT ${MAX_WOKEN}
      ) AS first
    ) AS waiting
    WHERE lane.next_at <= clock_timestamp() AND lane.held_until <= clock_timestamp()
      AND busy.running + waiting.place <= waiting.concurrent`);
  if (rows.length === 0) return;
  const ids = rows.map(({ jobId }) => jobId);
  await inTransaction(ctx, (tx) => tx.queue.hasten(tx.db, taskJobs.http, ids));
}

/** Runs every minute. @returns the number of removed rows */
export async function removeIdleLanes({ db }: Context): Promise<number> {
  const ended = await db.execute(sql`
    DELETE FROM rowmill.http_slots AS slot
    WHERE NOT EXISTS (SELECT FROM rowmill.tasks WHERE tasks.id = slot.task_id AND status IN ('pending', 'processing'))`);
  const idle = await db.execute(sql`
    DELETE FROM rowmill.http_lanes AS lane
    WHERE next_at < now() - interval '1 hour' AND held_until < now() - interval '1 hour' AND NOT EXISTS (
      SELECT FROM rowmill.http_slots AS slot WHERE slot.user_id = lane.user_id AND slot.host = lane.host)`);
  return (ended.rowCount ?? 0) + (idle.rowCount ?? 0);
}
