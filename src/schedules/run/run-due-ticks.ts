import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { isTransient } from "../../platform/postgres/database.ts";
import { wakeNextTicks } from "../wake.ts";
import { runTick, runWaitingTick } from "./run-tick.ts";
import { runTogether } from "./run-together.ts";

/** Schedules per query. Between two pages, schedules of other users that have become due go first. */
const PAGE = 100;

/**
 * Runs all ticks that are due. Safe to run at any time and concurrently: each tick is run by one of the workers, and users
 * take turns.
 * @returns the number of ticks that this call has run
 */
export async function runDueTicks(ctx: Context, signal?: AbortSignal): Promise<number> {
  const ran = await runPages(ctx, dueSchedules, (page) => runPage(ctx, page, signal), signal);
  const waited = await runPages(ctx, releasedSchedules, (page) => runWaiting(ctx, page, signal), signal);
  await wakeNextTicks(ctx);
  return ran + waited;
}

/** @param run returns the ids of the schedules whose ticks have run */
async function runPages(
  ctx: Context,
  read: (ctx: Context, passed: readonly string[]) => Promise<string[]>,
  run: (page: readonly string[]) => Promise<ReadonlySet<string>>,
  signal: AbortSignal | undefined,
): Promise<number> {
  /** Other workers have them, or they have failed. */
  const passed: string[] = [];
  for (let count = 0; ; ) {
    signal?.throwIfAborted();
    const page = await read(ctx, passed);
    if (page.length === 0) return count;
    const ran = await run(page);
    count += ran.size;
    passed.push(...page.filter((id) => !ran.has(id)));
  }
}

async function runPage(
  ctx: Context,
  page: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const together = await runTogether(ctx, page);
  const ran = new Set(together.ran);
  for (let left = together.left; left.length > 0; ) {
    signal?.throwIfAborted();
    const { id, hasRun } = await runOne(ctx, (onTaken) => runTick(ctx, left, onTaken));
    if (id === null) break;
    if (hasRun) ran.add(id);
    left = left.filter((other) => other !== id);
  }
  return ran;
}

async function runWaiting(
  ctx: Context,
  page: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const ran = new Set<string>();
  for (const id of page) {
    signal?.throwIfAborted();
    const { hasRun } = await runOne(ctx, (onTaken) => runWaitingTick(ctx, id, onTaken));
    if (hasRun) ran.add(id);
  }
  return ran;
}

interface One {
  /** The schedule that was taken; null: other workers have all of them. */
  readonly id: string | null;
  readonly hasRun: boolean;
}

/** An error of one schedule does not stop the others. @throws if the database is in trouble */
async function runOne(ctx: Context, run: (onTaken: (id: string) => void) => Promise<boolean>): Promise<One> {
  let id: string | null = null;
  const onTaken = (taken: string) => {
    id = taken;
  };
  try {
    return { hasRun: await run(onTaken), id };
  } catch (error) {
    if (isTransient(error) || id === null) throw error;
    ctx.log.error({ err: error, scheduleId: id }, "cannot run the tick of a schedule");
    return { hasRun: false, id };
  }
}

/** The first schedule of each user, then the second of each, and so on. */
async function dueSchedules({ db, now }: Context, passed: readonly string[]): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    SELECT id FROM (
      SELECT id, next_run_at, row_number() OVER (PARTITION BY user_id ORDER BY next_run_at, id) AS turn
      FROM rowmill.schedules
      WHERE next_run_at <= ${now().toISOString()}::timestamptz AND id <> ALL(${sql.param([...passed])}::uuid[])
    ) AS due
    ORDER BY turn, next_run_at, id LIMIT ${PAGE}`);
  return rows.map(({ id }) => id);
}

/** Schedules with a tick that waits, and whose tasks and workflows have ended. */
async function releasedSchedules({ db }: Context, passed: readonly string[]): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    SELECT DISTINCT schedule_id AS id FROM rowmill.schedule_ticks AS tick
    WHERE state = 'waiting' AND schedule_id <> ALL(${sql.param([...passed])}::uuid[]) AND NOT EXISTS (
      SELECT FROM rowmill.tasks
      WHERE tasks.schedule_id = tick.schedule_id AND tasks.status IN ('pending', 'processing')
    ) AND NOT EXISTS (
      SELECT FROM rowmill.workflows WHERE workflows.schedule_id = tick.schedule_id AND workflows.state = 'running'
    )
    LIMIT ${PAGE}`);
  return rows.map(({ id }) => id);
}
