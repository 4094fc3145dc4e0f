/** How many tasks of a limited type may start. The row of the limit must be locked: then no other task starts meanwhile. */
import { eq, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { type RecentStarts, taskLimits } from "../../schema/task-limits.ts";
import { intervalOf } from "./change-limit.ts";

/** Starts that are late by up to this time are made up for, so that the rate is reached although workers need a moment. */
const CATCH_UP_SECONDS = 0.25;
/** No time of this length has more starts than the rate allows for it. */
const WINDOW_SECONDS = 1;
/** Of three starts within this time, the last two count as one. */
const JOINED_SECONDS = 0.02;

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

/** Tasks whose turn it is count as running, and as started, although no worker has started them yet. */
export async function countFreeStarts(tx: Tx, limit: LockedLimit): Promise<FreeStarts> {
  const { type, perSecond, concurrent, nextAt, recent } = limit;
  const { rows } = await tx.db.execute<{ running: number; granted: number; now: string }>(sql`
    SELECT ${concurrent === null ? sql`0` : sql`(SELECT count(*)::int FROM rowmill.tasks WHERE status = 'processing' AND type = ${type})`} AS running,
      (SELECT count(*)::int FROM rowmill.limit_waits AS waits JOIN rowmill.tasks ON tasks.id = waits.task_id AND tasks.job_id = waits.job_id
        WHERE waits.type = ${type} AND granted_at IS NOT NULL AND status = 'pending') AS granted,
      extract(epoch FROM clock_timestamp())::float8 AS now`);
  const { running = 0, granted = 0 } = rows[0] ?? {};
  const now = Number(rows[0]?.now ?? 0);
  const places = concurrent === null ? Number.POSITIVE_INFINITY : concurrent - running - granted;
  const rate = startsOf(perSecond, now - nextAt.getTime() / 1000);
  const window = startsInWindow(perSecond, recent, now);
  // While all workers are busy, turns do not add up.
  const unused = startsOf(perSecond, CATCH_UP_SECONDS).allowed - granted;
  return {
    allowed: Math.max(0, Math.min(places, unused, rate.allowed, window.allowed - granted)),
    inSeconds: Math.max(rate.inSeconds, window.inSeconds),
  };
}

/** The starts that a rate allows, if the next one was due some time ago. */
export function startsOf(perSecond: number | null, lateSeconds: number): FreeStarts {
  if (perSecond === null) return { allowed: Number.POSITIVE_INFINITY, inSeconds: 0 };
  if (lateSeconds < 0) return { allowed: 0, inSeconds: -lateSeconds };
  return { allowed: 1 + Math.floor(Math.min(lateSeconds, CATCH_UP_SECONDS) * perSecond), inSeconds: 0 };
}

/** The starts that are left of the last second, so that late ones that are made up for never exceed the rate. */
export function startsInWindow(
  perSecond: number | null,
  recent: readonly RecentStarts[],
  now: number,
): FreeStarts {
  if (perSecond === null) return { allowed: Number.POSITIVE_INFINITY, inSeconds: 0 };
  const counted = recent.filter(([at]) => isRecent(at, now));
  const started = counted.reduce((sum, [, starts]) => sum + starts, 0);
  const allowed = Math.max(1, Math.ceil(perSecond * WINDOW_SECONDS)) - started;
  const [oldest] = counted;
  return { allowed, inSeconds: allowed > 0 || !oldest ? 0 : oldest[0] + WINDOW_SECONDS - now };
}

/** An entry in the future is from a clock that was wrong. */
const isRecent = (at: number, now: number) => at > now - WINDOW_SECONDS && at < now + WINDOW_SECONDS;

/**
 * Counts starts that the rate has allowed, as if they were evenly spaced.
 * @param lastUserId the user who has had the last turn
 */
export async function countStarts(
  tx: Tx,
  { type, perSecond }: LockedLimit,
  starts: number,
  lastUserId: number,
): Promise<void> {
  const earliest = sql`clock_timestamp() - make_interval(secs => ${CATCH_UP_SECONDS}::float8)`;
  const nextAt = sql`greatest(${taskLimits.nextAt}, ${earliest}) + ${starts}::int * ${intervalOf({ perSecond })}`;
  await tx.db
    .update(taskLimits)
    .set({ lastUserId, ...(perSecond === null ? {} : { nextAt }) })
    .where(eq(taskLimits.type, type));
}

/** Remembers starts for a second. Call it after the tasks have started, in the same transaction. */
export async function rememberStarts(
  tx: Tx,
  { type, perSecond, recent }: LockedLimit,
  starts: number,
): Promise<void> {
  if (perSecond === null) return;
  const now = sql`extract(epoch FROM clock_timestamp())::float8`;
  const { rows } = await tx.db.execute<{ now: string }>(sql`SELECT ${now} AS now`);
  const kept = withStarts(recent, starts, Number(rows[0]?.now ?? 0));
  await tx.db.update(taskLimits).set({ recent: kept }).where(eq(taskLimits.type, type));
}

/** Starts that are close together are joined, so that there are at most a hundred. */
export function withStarts(recent: readonly RecentStarts[], starts: number, now: number): RecentStarts[] {
  const kept = recent.filter(([at]) => isRecent(at, now));
  const last = kept.at(-1);
  const isJoined = now - (kept.at(-2)?.[0] ?? 0) <= JOINED_SECONDS;
  return last && isJoined ? [...kept.slice(0, -1), [now, last[1] + starts]] : [...kept, [now, starts]];
}
