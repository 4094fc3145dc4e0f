/** Runs the ticks of many schedules in one transaction: hundreds can be due in the same second. */
import { and, inArray, isNotNull, lte, ne, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { isTransient } from "../../platform/postgres/database.ts";
import { schedules } from "../../schema/schedules.ts";
import { prepareScheduled } from "../../tasks/create/create-tasks.ts";
import type { NewTask } from "../../tasks/create/insert-tasks.ts";
import { storeTasks } from "../../tasks/create/store-tasks.ts";
import { type TaskBody, taskRequestOf } from "../../tasks/create/task-body.ts";
import type { Schedule } from "../queries.ts";
import { dueTicks, nextOf } from "../timing.ts";
import { type NewTick, recordTicks } from "./record-tick.ts";
import { OVERLAPPED } from "./run-tick.ts";

export interface Together {
  /** The schedules whose tick has run. */
  readonly ran: readonly string[];
  /** The schedules whose tick `runTick` must run. */
  readonly left: readonly string[];
}

/**
 * One worker at a time: the transaction locks the users whose tasks it counts, so two would wait for each other. The other
 * one comes back for the next page.
 */
const TICKS_LOCK = 0x7469636b;

/** Runs the ticks that are as usual: they create a task, or are skipped because an earlier task has not ended. */
export async function runTogether(ctx: Context, ids: readonly string[]): Promise<Together> {
  try {
    return await inTransaction(ctx, async (tx) =>
      (await isAlone(tx)) ? runUsual(tx, ids) : { ran: [], left: await unusual(tx, ids) },
    );
  } catch (error) {
    if (isTransient(error)) throw error;
    ctx.log.warn({ err: error }, "cannot run ticks together; running them one by one");
    return { ran: [], left: ids };
  }
}

async function isAlone({ db }: Tx): Promise<boolean> {
  const { rows } = await db.execute<{ isAlone: boolean }>(
    sql`SELECT pg_try_advisory_xact_lock(${TICKS_LOCK}) AS "isAlone"`,
  );
  return rows[0]?.isAlone === true;
}

const isUsual = and(isNotNull(schedules.task), ne(schedules.overlap, "replace"));

/** Another worker runs all others. */
async function unusual({ db }: Tx, ids: readonly string[]): Promise<string[]> {
  const found = await db
    .select({ id: schedules.id })
    .from(schedules)
    .where(and(inArray(schedules.id, [...ids]), isUsual));
  const usual = new Set(found.map(({ id }) => id));
  return ids.filter((id) => !usual.has(id));
}

interface DueTick {
  readonly schedule: Schedule;
  readonly tickAt: Date;
  readonly next: ReturnType<typeof nextOf>;
}

async function runUsual(tx: Tx, ids: readonly string[]): Promise<Together> {
  const due = (await takeSchedules(tx, ids)).flatMap((schedule) => punctual(schedule, tx.now()));
  const found = await lookUp(tx, due);
  const isFree = ({ schedule }: DueTick) => found.get(schedule.id)?.blockedBy === null;
  const tasks = await prepareTasks(tx, due.filter(({ schedule }) => found.has(schedule.id)).filter(isFree));
  const usual = due.flatMap(({ schedule, tickAt, next }) => {
    const { id: scheduleId } = schedule;
    const blockedBy = found.get(scheduleId)?.blockedBy ?? null;
    const taskId = tasks.get(scheduleId)?.id;
    if (taskId) return { schedule, next, tick: { scheduleId, tickAt, state: "created" as const, taskId } };
    if (!blockedBy || schedule.overlap !== "skip") return [];
    return { schedule, next, tick: { scheduleId, tickAt, ...OVERLAPPED, blockedBy } };
  });
  if (usual.length === 0) return { ran: [], left: ids };
  const prepared = usual.flatMap(({ schedule }) => tasks.get(schedule.id) ?? []);
  const owners = prepared.map(({ userId }) => userId);
  await storeTasks(tx, owners, prepared);
  await moveOn(tx, usual);
  await recordTicks(
    tx,
    usual.map(({ tick }) => tick),
  );
  const ran = usual.map(({ schedule }) => schedule.id);
  return { ran, left: ids.filter((id) => !ran.includes(id)) };
}

/** In the order of `ids`, so that users take turns. */
async function takeSchedules(tx: Tx, ids: readonly string[]): Promise<Schedule[]> {
  const taken = await tx.db
    .select()
    .from(schedules)
    .where(and(inArray(schedules.id, [...ids]), lte(schedules.nextRunAt, tx.now()), isUsual))
    .for("update", { skipLocked: true });
  const place = new Map(ids.map((id, index) => [id, index]));
  return taken.toSorted((one, other) => (place.get(one.id) ?? 0) - (place.get(other.id) ?? 0));
}

/** Returns nothing if a tick was missed, or if the schedule cannot be read. */
function punctual(schedule: Schedule, now: Date): DueTick[] {
  if (!schedule.nextTickAt) return [];
  try {
    const { latest, isLate, missed } = dueTicks(schedule, schedule.nextTickAt, now);
    if (isLate || missed) return [];
    return [{ schedule, tickAt: latest, next: nextOf(schedule, latest) }];
  } catch {
    return [];
  }
}

interface Found {
  /** The earlier work in the way of the tick, if the schedule regards it. */
  readonly blockedBy: string | null;
}

/** Leaves out schedules whose tick has happened or waits, and those of disabled users. */
async function lookUp(tx: Tx, due: readonly DueTick[]): Promise<ReadonlyMap<string, Found>> {
  if (due.length === 0) return new Map();
  const ids = sql.param(due.map(({ schedule }) => schedule.id));
  const times = sql.param(due.map(({ tickAt }) => tickAt.toISOString()));
  const owners = sql.param(due.map(({ schedule }) => schedule.userId));
  const regards = sql.param(due.map(({ schedule }) => schedule.overlap !== "allow"));
  // Each look is an index scan, whatever the planner knows about the tables.
  const { rows } = await tx.db.execute<{ id: string; blockedBy: string | null }>(sql`
    SELECT id, CASE WHEN regards THEN coalesce(
      (SELECT tasks.id FROM rowmill.tasks WHERE tasks.schedule_id = due.id AND status IN ('pending', 'processing') LIMIT 1),
      (SELECT workflows.id FROM rowmill.workflows WHERE workflows.schedule_id = due.id AND state = 'running' LIMIT 1)) END AS "blockedBy"
    FROM unnest(${ids}::uuid[], ${times}::timestamptz[], ${owners}::bigint[], ${regards}::boolean[]) AS due (id, tick_at, owner, regards)
    WHERE (SELECT state FROM rowmill.schedule_ticks AS same WHERE same.schedule_id = due.id AND same.tick_at = due.tick_at) IS NULL
      AND (SELECT state FROM rowmill.schedule_ticks AS one WHERE one.schedule_id = due.id AND one.state = 'waiting' LIMIT 1) IS NULL
      AND (SELECT disabled_at FROM rowmill.users WHERE users.id = due.owner) IS NULL`);
  return new Map(rows.map(({ id, blockedBy }) => [id, { blockedBy }]));
}

/**
 * @returns the tasks by the ids of their schedules. If a task of a user is refused, all of the user are missing. Users are
 * locked in the order of their ids: two workers do not wait for each other.
 */
async function prepareTasks(tx: Tx, due: readonly DueTick[]): Promise<ReadonlyMap<string, NewTask>> {
  const byOwner = Map.groupBy(due, ({ schedule }) => schedule.userId ?? 0);
  const prepared = new Map<string, NewTask>();
  for (const [userId, own] of [...byOwner].toSorted(([one], [other]) => one - other)) {
    const ids = own.map(({ schedule }) => schedule.id);
    try {
      const requests = own.map(({ schedule }) => taskRequestOf(schedule.task as TaskBody));
      const tasks = await prepareScheduled(tx, userId, requests, ids);
      for (const task of tasks) prepared.set(task.scheduleId ?? "", task);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }
  return prepared;
}

/** A tick that has created its task ends a series of failures. */
async function moveOn(
  tx: Tx,
  moved: readonly { readonly schedule: Schedule; readonly next: DueTick["next"]; readonly tick: NewTick }[],
): Promise<void> {
  const rows = moved.map(({ schedule: { id }, next, tick }) => ({
    ...{ id, next_tick_at: next.nextTickAt, next_run_at: next.nextRunAt },
    is_created: tick.state === "created",
  }));
  await tx.db.execute(sql`
    UPDATE rowmill.schedules AS schedule SET next_tick_at = moved.next_tick_at, next_run_at = moved.next_run_at,
      failing_since = CASE WHEN NOT is_created THEN failing_since END
    FROM json_to_recordset(${JSON.stringify(rows)}::json)
      AS moved (id uuid, next_tick_at timestamptz, next_run_at timestamptz, is_created boolean)
    WHERE schedule.id = moved.id`);
}
