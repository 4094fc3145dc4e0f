import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { isTransient } from "../../platform/postgres/database.ts";
import { wakeNextTicks } from "../wake.ts";
import { runTick, runWaitingTick } from "./run-tick.ts";

/** Schedules per query. Between two pages, schedules of other users that have become due go first. */
const PAGE = 100;

/**
 * Runs all ticks that are due, each in a transaction of its own. Safe to run at any time and concurrently: each tick is
 * run by one of the workers, and users take turns.
 * @returns the number of ticks that this call has run
 */
export async function runDueTicks(ctx: Context, signal?: AbortSignal): Promise<number> {
  const ran = await runAll(ctx, dueSchedules, runTick, signal);
  const waited = await runAll(ctx, releasedSchedules, runWaitingTick, signal);
  await wakeNextTicks(ctx);
  return ran + waited;
}

async function runAll(
  ctx: Context,
  read: (ctx: Context, passed: readonly string[]) => Promise<string[]>,
  run: (ctx: Context, id: string) => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<number> {
  /** Other workers have them, or they have failed. */
  const passed: string[] = [];
  let ran = 0;
  for (;;) {
    const page = await read(ctx, passed);
    if (page.length === 0) return ran;
    for (const id of page) {
      signal?.throwIfAborted();
      if (await runs(ctx, id, run)) ran++;
      else passed.push(id);
    }
  }
}

/** An error of one schedule does not stop the others. @throws if the database is in trouble */
async function runs(ctx: Context, id: string, run: typeof runTick): Promise<boolean> {
  try {
    return await run(ctx, id);
  } catch (error) {
    if (isTransient(error)) throw error;
    ctx.log.error({ err: error, scheduleId: id }, "cannot run the tick of a schedule");
    return false;
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
      SELECT FROM rowmill.schedule_ticks AS earlier JOIN rowmill.workflows ON workflows.id = earlier.workflow_id
      WHERE earlier.schedule_id = tick.schedule_id AND workflows.state = 'running'
    )
    LIMIT ${PAGE}`);
  return rows.map(({ id }) => id);
}
