/** Starts tasks of a limited type, or lets them wait. Tasks that a worker takes together need as many statements as one. */
import { inArray, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { limitWaits } from "../../schema/task-limits.ts";
import type { Task } from "../transitions.ts";
import { countFreeStarts, countStarts, lockLimit, rememberStarts } from "./free-starts.ts";
import { inTurns } from "./in-turns.ts";

export interface Starting {
  readonly taskId: string;
  readonly jobId: string;
}

/** `alone`: the task must be started alone, and keeps its turn. null: there is nothing to run. */
export type Started = Task | "alone" | null;

/** Starts tasks as without a limit, and returns them in their order. */
type Start<S extends Starting, R extends Started> = (
  ctx: Context,
  all: readonly S[],
) => Promise<readonly R[]>;

/** `mayStart`: nobody else waits. `notPending`: the limit does not concern the task. */
type Place = "granted" | "mayStart" | "waits" | "notPending";

/** A task that wants to start. */
interface Candidate<S extends Starting> {
  readonly starting: S;
  readonly place: Place;
  readonly userId: number;
}

/** Rolls starts back. */
class TurnTakenBack extends Error {
  override name = "TurnTakenBack";
}

/** @returns for each task what `start` returns, or `waits` if its job must be put back */
export async function startWithinLimit<S extends Starting, R extends Started>(
  ctx: Context,
  type: string,
  all: readonly S[],
  start: Start<S, R>,
): Promise<(R | "waits" | null)[]> {
  const candidates = await joinWaiting(ctx, type, all);
  const wanted = candidates.filter(({ place }) => place !== "waits");
  const isLimited = wanted.some(({ place }) => place !== "notPending");
  let started: ReadonlyMap<Candidate<S>, R | null>;
  try {
    started = isLimited
      ? await inTransaction(ctx, (tx) => startWanted(tx, type, wanted, start))
      : await startAll(ctx, wanted, start);
  } catch (error) {
    if (error instanceof TurnTakenBack) return startWithinLimit(ctx, type, all, start);
    throw error;
  }
  for (const candidate of candidates) if (!started.has(candidate)) ctx.activity.emit("taskWaits", type);
  // The next one may be due soon.
  if (isLimited) ctx.activity.emit("startPossible", type);
  return candidates.map((candidate) => (started.has(candidate) ? (started.get(candidate) ?? null) : "waits"));
}

/** Those that may start, with what `start` has returned. The others wait. */
async function startWanted<S extends Starting, R extends Started>(
  tx: Tx,
  type: string,
  wanted: readonly Candidate<S>[],
  start: Start<S, R>,
): Promise<ReadonlyMap<Candidate<S>, R | null>> {
  // Before lanes and tasks: all starts lock in one order.
  const limit = await lockLimit(tx, type, "wait");
  const first = wanted.filter(({ place }) => place === "mayStart");
  const allowed = limit && first.length > 0 ? (await countFreeStarts(tx, limit)).allowed : first.length;
  const waiting = new Set(inTurns(first, limit?.lastUserId ?? 0).slice(allowed));
  if (waiting.size > 0)
    await wait(
      tx,
      [...waiting].map(({ starting }) => starting),
    );
  const mayStart = wanted.filter((candidate) => !waiting.has(candidate));
  const started = await startAll(tx, mayStart, start);
  const counted = first.filter((candidate) => isTask(started.get(candidate)));
  const last = inTurns(counted, limit?.lastUserId ?? 0).at(-1);
  if (limit && last) await countStarts(tx, limit, counted.length, last.userId);
  const isStart = ([{ place }, one]: [Candidate<S>, R | null]) => place !== "notPending" && isTask(one);
  const starts = [...started].filter(isStart).length;
  if (limit && starts > 0) await rememberStarts(tx, limit, starts);
  await leaveLine(tx, started);
  return started;
}

async function startAll<S extends Starting, R extends Started>(
  ctx: Context,
  candidates: readonly Candidate<S>[],
  start: Start<S, R>,
): Promise<ReadonlyMap<Candidate<S>, R | null>> {
  if (candidates.length === 0) return new Map();
  const started = await start(
    ctx,
    candidates.map(({ starting }) => starting),
  );
  return new Map(candidates.map((candidate, index) => [candidate, started[index] ?? null]));
}

function isTask(started: Started | undefined): boolean {
  return typeof started === "object" && started !== null;
}

/**
 * The start of a task whose turn it is has been counted, unless a change of the limit has taken the turn back. The tasks are
 * changed first, as by a cancellation: otherwise the two could wait for each other.
 */
async function leaveLine<S extends Starting>(
  { db }: Tx,
  started: ReadonlyMap<Candidate<S>, Started>,
): Promise<void> {
  const leaving = [...started].filter(([{ place }, one]) => place !== "notPending" && one !== "alone");
  if (leaving.length === 0) return;
  const ids = leaving.map(([{ starting }]) => starting.jobId);
  const left = await db.delete(limitWaits).where(inArray(limitWaits.jobId, ids)).returning();
  const turns = new Set(left.flatMap(({ jobId, grantedAt }) => (grantedAt ? [jobId] : [])));
  for (const [{ place, starting }, one] of leaving)
    if (place === "granted" && isTask(one) && !turns.has(starting.jobId)) throw new TurnTakenBack();
}

const WAITING_COLUMNS = sql`job_id, task_id, type, queue, user_id, priority, number`;

/**
 * The pending ones of these tasks, with the columns of the line. The foreign key of the line locks them in this order, in which changes of
 * many tasks lock theirs.
 */
function waitingTasks(all: readonly Starting[]) {
  const taskIds = sql.param(all.map(({ taskId }) => taskId));
  const jobIds = sql.param(all.map(({ jobId }) => jobId));
  return sql`
    SELECT task.job_id, task.id, task.type, task.queue, task.user_id, task.priority, task.number
    FROM unnest(${taskIds}::uuid[], ${jobIds}::uuid[]) AS given (id, job_id)
    CROSS JOIN LATERAL (SELECT * FROM rowmill.tasks WHERE tasks.id = given.id LIMIT 1) AS task
    WHERE task.job_id = given.job_id AND task.status = 'pending'
    ORDER BY task.number DESC`;
}

/** Lets tasks wait if others of their type do. This needs no lock, so 10,000 tasks join in seconds. */
async function joinWaiting<S extends Starting>(
  { db }: Context,
  type: string,
  all: readonly S[],
): Promise<Candidate<S>[]> {
  const jobIds = sql.param(all.map(({ jobId }) => jobId));
  const { rows } = await db.execute<{ jobId: string; userId: string; place: Place }>(sql`
    WITH task AS MATERIALIZED (${waitingTasks(all)}),
      others AS (
        SELECT FROM rowmill.limit_waits WHERE type = ${type} AND granted_at IS NULL AND job_id <> ALL (${jobIds}::uuid[]) LIMIT 1
      ), granted AS (
        SELECT job_id FROM rowmill.limit_waits WHERE job_id = ANY (${jobIds}::uuid[]) AND granted_at IS NOT NULL
      ), joined AS (
        INSERT INTO rowmill.limit_waits (${WAITING_COLUMNS})
        SELECT * FROM task WHERE EXISTS (SELECT FROM others) ON CONFLICT DO NOTHING
      )
    SELECT job_id AS "jobId", user_id AS "userId", CASE WHEN job_id IN (SELECT job_id FROM granted) THEN 'granted'
      WHEN EXISTS (SELECT FROM others) THEN 'waits' ELSE 'mayStart' END AS place
    FROM task`);
  const pending = new Map(rows.map((row) => [row.jobId, row]));
  return all.map((starting) => {
    const { place = "notPending", userId = 0 } = pending.get(starting.jobId) ?? {};
    return { starting, place, userId: Number(userId) };
  });
}

async function wait({ db }: Tx, all: readonly Starting[]): Promise<void> {
  await db.execute(sql`
    INSERT INTO rowmill.limit_waits (${WAITING_COLUMNS}) ${waitingTasks(all)}
    ON CONFLICT (job_id) DO UPDATE SET granted_at = NULL`);
}
