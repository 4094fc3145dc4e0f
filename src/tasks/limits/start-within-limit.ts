/** Starts a task of a limited type, or lets it wait. */
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { limitWaits } from "../../schema/task-limits.ts";
import type { Task } from "../transitions.ts";
import { countFreeStarts, countStarts, lockLimit } from "./free-starts.ts";

interface Starting {
  readonly type: string;
  readonly taskId: string;
  readonly jobId: string;
  /** Starts the task, as without a limit. */
  readonly start: (ctx: Context) => Promise<Task | null>;
}

/** @returns `waits`: the job must be put back; null: there is nothing to run */
export async function startWithinLimit(ctx: Context, starting: Starting): Promise<Task | "waits" | null> {
  const { type, start } = starting;
  const found = await joinWaiting(ctx, starting);
  if (found === "waits") ctx.activity.emit("taskWaits", type);
  if (found === "waits") return "waits";
  if (found === "notPending") return start(ctx);
  const outcome = await (found === "granted" ? startGranted(ctx, starting) : startFirst(ctx, starting));
  if (outcome === "waits") ctx.activity.emit("taskWaits", type);
  // The next one may be due soon.
  ctx.activity.emit("startPossible", type);
  return outcome;
}

/** Rolls a start back. */
class TurnTakenBack extends Error {
  override name = "TurnTakenBack";
}

/**
 * The start of a task whose turn it is has been counted, unless a change of the limit has taken the turn back. The task is
 * changed first, as by a cancellation: otherwise the two could wait for each other.
 */
async function startGranted(ctx: Context, starting: Starting): Promise<Task | "waits" | null> {
  const { jobId, start } = starting;
  try {
    return await inTransaction(ctx, async (tx) => {
      const task = await start(tx);
      const isGranted = and(eq(limitWaits.jobId, jobId), isNotNull(limitWaits.grantedAt));
      const { rowCount } = await tx.db.delete(limitWaits).where(isGranted);
      if (task && rowCount === 0) throw new TurnTakenBack();
      return task;
    });
  } catch (error) {
    if (error instanceof TurnTakenBack) return startWithinLimit(ctx, starting);
    throw error;
  }
}

/** Nobody else waits, so the task starts at once if the limit allows it. */
function startFirst(ctx: Context, starting: Starting): Promise<Task | "waits" | null> {
  const { type, jobId, start } = starting;
  return inTransaction(ctx, async (tx) => {
    const limit = await lockLimit(tx, type, "wait");
    if (limit && (await countFreeStarts(tx, limit)).allowed < 1) {
      await wait(tx, starting);
      return "waits";
    }
    const task = await start(tx);
    if (task && limit) await countStarts(tx, limit, 1);
    await tx.db.delete(limitWaits).where(eq(limitWaits.jobId, jobId));
    return task;
  });
}

const WAITING_COLUMNS = sql`job_id, task_id, type, queue, user_id, priority, number`;
const waitingTask = ({ taskId, jobId }: Starting) => sql`
  SELECT job_id, id, type, queue, user_id, priority, number FROM rowmill.tasks
  WHERE id = ${taskId} AND job_id = ${jobId} AND status = 'pending'`;

/**
 * Lets a task wait if others of its type do. This needs no lock, so 10,000 tasks join in seconds.
 * @returns `notPending`: the limit does not concern it; `mayStart`: nobody else waits
 */
async function joinWaiting(
  { db }: Context,
  starting: Starting,
): Promise<"notPending" | "granted" | "waits" | "mayStart"> {
  const { type, jobId } = starting;
  const { rows } = await db.execute<{ isPending: boolean; isGranted: boolean | null; others: boolean }>(sql`
    WITH task AS (${waitingTask(starting)}),
      own AS (SELECT granted_at IS NOT NULL AS is_granted FROM rowmill.limit_waits WHERE job_id = ${jobId}),
      others AS (SELECT FROM rowmill.limit_waits WHERE type = ${type} AND granted_at IS NULL AND job_id <> ${jobId} LIMIT 1),
      joined AS (
        INSERT INTO rowmill.limit_waits (${WAITING_COLUMNS})
        SELECT * FROM task WHERE EXISTS (SELECT FROM others) ON CONFLICT DO NOTHING
      )
    SELECT EXISTS (SELECT FROM task) AS "isPending", (SELECT is_granted FROM own) AS "isGranted",
      EXISTS (SELECT FROM others) AS others`);
  const { isPending = false, isGranted = null, others = false } = rows[0] ?? {};
  if (!isPending) return "notPending";
  if (isGranted) return "granted";
  return others ? "waits" : "mayStart";
}

async function wait({ db }: Tx, starting: Starting): Promise<void> {
  await db.execute(sql`
    INSERT INTO rowmill.limit_waits (${WAITING_COLUMNS}) ${waitingTask(starting)}
    ON CONFLICT (job_id) DO UPDATE SET granted_at = NULL`);
}
