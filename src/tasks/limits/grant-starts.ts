/** Gives tasks that wait for a limit their turn. Users take turns; of one user, the highest priority and the oldest comes first. */
import { and, eq, inArray, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { taskJobs } from "../../jobs.ts";
import { limitWaits } from "../../schema/task-limits.ts";
import { byQueue } from "../task-jobs.ts";
import { countFreeStarts, countStarts, type LockedLimit, lockLimit } from "./free-starts.ts";

/** Tasks per transaction. */
const PAGE = 1000;

/** Enough for one call: the next one follows within milliseconds. */
const MAX_GRANTS = 100;
/** Tasks that ended while they waited leave the list without a turn. */
const MAX_LOOKS = 50;

interface Waiting {
  readonly jobId: string;
  readonly queue: string;
  readonly userId: number;
}

interface Grants {
  /**
   * In how many seconds the rate allows the next start; null: nobody waits, another worker looks after the type, or running tasks
   * must end first.
   */
  readonly inSeconds: number | null;
  /** Whether a worker was about to put back the job of a task that got its turn: `hastenGranted` wakes it. */
  readonly hasMissed: boolean;
}

const NONE: Grants = { inSeconds: null, hasMissed: false };

/** Grants as many starts as the limit allows now. They count from then on. */
export async function grantStarts(ctx: Context, type: string): Promise<Grants> {
  if (!(await anybodyWaits(ctx, type))) return NONE;
  return inTransaction(ctx, async (tx) => {
    const limit = await lockLimit(tx, type, "skip locked");
    if (!limit) return NONE;
    const { allowed, inSeconds } = await countFreeStarts(tx, limit);
    const next = await takeTurns(tx, limit, Math.min(MAX_GRANTS, allowed));
    const hastened = await hasten(tx, next);
    const last = next.at(-1);
    if (last) await countStarts(tx, limit, next.length, last.userId);
    const isDue = limit.perSecond !== null && (inSeconds > 0 || next.length > 0);
    return { inSeconds: isDue ? inSeconds : null, hasMissed: hastened.length < next.length };
  });
}

async function anybodyWaits({ db }: Context, type: string): Promise<boolean> {
  const isWaiting = and(eq(limitWaits.type, type), isNull(limitWaits.grantedAt));
  const first = await db.select({ jobId: limitWaits.jobId }).from(limitWaits).where(isWaiting).limit(1);
  return first.length > 0;
}

/** Takes waiting tasks whose users take turns. Those that were retried, or have ended, only leave the list. */
async function takeTurns(tx: Tx, { type, lastUserId }: LockedLimit, places: number): Promise<Waiting[]> {
  const taken: Waiting[] = [];
  let turn = lastUserId;
  for (let looks = 0; taken.length < places && looks < MAX_LOOKS; looks++) {
    const next = await takeNext(tx, type, turn, places - taken.length);
    taken.push(...next.filter(({ isPending }) => isPending));
    turn = next.at(-1)?.userId ?? turn;
    if (next.length === 0) break;
  }
  return taken;
}

/** Takes the first waiting tasks of each user, one per user, then the second ones, and so on. It passes over tasks that leave the line now. */
async function takeNext(
  tx: Tx,
  type: string,
  lastUserId: number,
  places: number,
): Promise<(Waiting & { readonly isPending: boolean })[]> {
  const waits = sql`rowmill.limit_waits WHERE type = ${type} AND granted_at IS NULL`;
  const userAfter = (userId: SQL) => sql`coalesce(
    (SELECT user_id FROM ${waits} AND user_id > ${userId} ORDER BY user_id LIMIT 1),
    (SELECT user_id FROM ${waits} ORDER BY user_id LIMIT 1))`;
  const { rows } = await tx.db.execute<{
    jobId: string;
    queue: string;
    userId: string;
    isPending: boolean;
  }>(sql`
    WITH RECURSIVE waiting (user_id, first_id, place) AS (
      SELECT user_id, user_id, 1 FROM (SELECT ${userAfter(sql`${lastUserId}::bigint`)} AS user_id) AS first WHERE user_id IS NOT NULL
      UNION ALL
      SELECT next.user_id, first_id, place + 1
      FROM waiting CROSS JOIN LATERAL (SELECT ${userAfter(sql`waiting.user_id`)} AS user_id) AS next
      WHERE place < ${places} AND next.user_id <> first_id
    ), next AS MATERIALIZED (
      SELECT job_id, row_number() OVER (PARTITION BY user_id ORDER BY task.priority DESC, task.number) AS round, place
      FROM waiting CROSS JOIN LATERAL (
        SELECT job_id, priority, number FROM ${waits} AND user_id = waiting.user_id
        ORDER BY priority DESC, number LIMIT ${places}
      ) AS task
      ORDER BY round, place LIMIT ${places}
    ), free AS MATERIALIZED (
      SELECT next.* FROM next CROSS JOIN LATERAL (
        SELECT FROM rowmill.limit_waits AS waits WHERE waits.job_id = next.job_id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
      ) AS locked
    ), granted AS (
      UPDATE rowmill.limit_waits AS waits SET granted_at = clock_timestamp() FROM free WHERE waits.job_id = free.job_id
      RETURNING waits.job_id, task_id, queue, user_id, round, place
    )
    SELECT job_id AS "jobId", queue, user_id AS "userId",
      coalesce((SELECT job_id = granted.job_id AND status = 'pending' FROM rowmill.tasks WHERE tasks.id = granted.task_id), false)
        AS "isPending"
    FROM granted ORDER BY round, place`);
  return rows.map((row) => ({ ...row, userId: Number(row.userId) }));
}

async function hasten(tx: Tx, waiting: readonly Pick<Waiting, "jobId" | "queue">[]): Promise<string[]> {
  const hastened: string[] = [];
  for (const [queue, own] of byQueue(waiting)) {
    const ids = own.map(({ jobId }) => jobId);
    hastened.push(...(await tx.queue.hasten(tx.db, taskJobs[queue], ids)));
  }
  return hastened;
}

/**
 * Wakes tasks again whose job was put back just after their turn had come, and forgets those that have ended. The types lead
 * to the few tasks whose turn it is, also if the planner does not know that they are few.
 */
export async function hastenGranted(ctx: Context): Promise<void> {
  const isGranted = and(inArray(limitWaits.type, [...ctx.limitedTypes]), isNotNull(limitWaits.grantedAt));
  const isPending = sql`(
    SELECT status FROM rowmill.tasks WHERE tasks.id = ${limitWaits.taskId} AND tasks.job_id = ${limitWaits.jobId}) = 'pending'`;
  await ctx.db.delete(limitWaits).where(and(isGranted, sql`${isPending} IS NOT TRUE`));
  const granted = await ctx.db
    .select({ jobId: limitWaits.jobId, queue: limitWaits.queue })
    .from(limitWaits)
    .where(isGranted)
    .limit(PAGE);
  if (granted.length > 0) await inTransaction(ctx, (tx) => hasten(tx, granted));
}

/**
 * Lets the tasks of types start that have no limit any more. A task whose job a worker has at this moment stays in the list:
 * the job can still be put back.
 * @returns whether there may be more
 */
export function releaseUnlimited(ctx: Context): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const waiting = await tx.db
      .select({ jobId: limitWaits.jobId, queue: limitWaits.queue })
      .from(limitWaits)
      .where(
        sql`NOT EXISTS (SELECT FROM rowmill.task_limits AS limits WHERE limits.type = ${limitWaits.type})`,
      )
      .limit(PAGE)
      .for("update", { skipLocked: true });
    if (waiting.length === 0) return false;
    const hastened = await hasten(tx, waiting);
    const ids = waiting.map(({ jobId }) => jobId);
    const released = await tx.db.execute(sql`
      DELETE FROM rowmill.limit_waits AS waits WHERE job_id = ANY(${sql.param(ids)}::uuid[]) AND (
        job_id = ANY(${sql.param(hastened)}::uuid[])
        OR NOT EXISTS (
          SELECT FROM rowmill.tasks WHERE tasks.id = waits.task_id AND tasks.job_id = waits.job_id AND status = 'pending'))`);
    return released.rowCount === PAGE;
  });
}
