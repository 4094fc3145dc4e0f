/** How many tasks of a limited type may start. The row of the limit must be locked: then no other task starts meanwhile. */
import { eq, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { taskLimits } from "../../schema/task-limits.ts";
import { intervalOf } from "./change-limit.ts";

/** Starts that are late by up to this time are made up for, so that the rate is reached although workers need a moment. */
const CATCH_UP_SECONDS = 0.1;

export type LockedLimit = typeof taskLimits.$inferSelect;

/** @param strength `skip locked`: undefined also if another worker looks after the type at this moment */
export async function lockLimit(
  tx: Tx,
  type: string,
  strength: "wait" | "skip locked",
): Promise<LockedLimit | undefined> {
  const [limit] = await tx.db
    .select()
    .from(taskLimits)
    .where(eq(taskLimits.type, type))
    .for("update", strength === "wait" ? {} : { skipLocked: true });
  return limit;
}

export interface FreeStarts {
  /** The starts that the limit allows now. */
  readonly allowed: number;
  /** When the rate allows the next start, in seconds; 0: now, or the rate has no limit. */
  readonly inSeconds: number;
}

/** Tasks whose turn it is count as running, although no worker has started them yet. */
export async function countFreeStarts(tx: Tx, limit: LockedLimit): Promise<FreeStarts> {
  const { type, perSecond, concurrent, nextAt } = limit;
  const { rows } = await tx.db.execute<{ running: number; granted: number; now: string }>(sql`
    SELECT ${concurrent === null ? sql`0` : sql`(SELECT count(*)::int FROM rowmill.tasks WHERE status = 'processing' AND type = ${type})`} AS running,
      (SELECT count(*)::int FROM rowmill.limit_waits AS waits JOIN rowmill.tasks ON tasks.id = waits.task_id AND tasks.job_id = waits.job_id
        WHERE waits.type = ${type} AND granted_at IS NOT NULL AND status = 'pending') AS granted,
      extract(epoch FROM clock_timestamp())::float8 AS now`);
  const { running = 0, granted = 0, now = "0" } = rows[0] ?? {};
  const lateSeconds = Number(now) - nextAt.getTime() / 1000;
  const places = concurrent === null ? Number.POSITIVE_INFINITY : concurrent - running - granted;
  // While all workers are busy, turns do not add up.
  const unused = startsOf(perSecond, CATCH_UP_SECONDS) - granted;
  return {
    allowed: Math.max(0, Math.min(places, unused, startsOf(perSecond, lateSeconds))),
    inSeconds: perSecond === null ? 0 : Math.max(0, -lateSeconds),
  };
}

/** The starts that a rate allows, if the next one was due some time ago. */
export function startsOf(perSecond: number | null, lateSeconds: number): number {
  if (perSecond === null) return Number.POSITIVE_INFINITY;
  if (lateSeconds < 0) return 0;
  return 1 + Math.floor(Math.min(lateSeconds, CATCH_UP_SECONDS) * perSecond);
}

/**
 * Counts starts.
 * @param lastUserId the user who has had the last turn
 */
export async function countStarts(
  tx: Tx,
  { type, perSecond, lastUserId: before }: LockedLimit,
  starts: number,
  lastUserId = before,
): Promise<void> {
  const earliest = sql`clock_timestamp() - make_interval(secs => ${CATCH_UP_SECONDS}::float8)`;
  const nextAt = sql`greatest(${taskLimits.nextAt}, ${earliest}) + ${starts}::int * ${intervalOf({ perSecond })}`;
  await tx.db
    .update(taskLimits)
    .set({ lastUserId, ...(perSecond === null ? {} : { nextAt }) })
    .where(eq(taskLimits.type, type));
}
