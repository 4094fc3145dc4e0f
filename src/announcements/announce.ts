import { sql } from "drizzle-orm";
import { type Context, changeExpression, publishLocally, type Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { deterministicJobId, uuidV7 } from "../platform/ids.ts";
import { storableJson } from "../platform/postgres/storable.ts";
import { announcing, ownNotification } from "./announcing.ts";
import type { AnnouncementData, Kind } from "./kinds.ts";

/** The payload is the id of the user. */
export const NOTIFICATION_CHANNEL = "rowmill_notification";

export interface Announcement<K extends Kind = Kind> {
  readonly kind: K;
  readonly userId: number;
  /** The id of the thing that the announcement is about. */
  readonly subjectId: string;
  /** Increases with each announcement about the same thing. */
  readonly sequence: number;
  readonly data: AnnouncementData<K>;
}

/**
 * Tells a user that something has happened, in the transaction in which it happens: writes a notification, and enqueues
 * its mail and its webhook deliveries. Writes nothing if the user wants none of them.
 */
export async function announce<K extends Kind>(tx: Tx, announcement: Announcement<K>): Promise<void> {
  const { kind, userId, subjectId, sequence, data } = announcement;
  const events = sql`
    SELECT ${ownNotification(tx)}, ${userId}::bigint AS user_id, ${subjectId}::text AS subject_id, ${sequence}::bigint AS sequence,
      ${storableJson(data)}::json AS data`;
  const { rows } = await tx.db.execute<{ announced: readonly Announced[] | null }>(sql`
    WITH announced AS (${announcing(tx, { kind, events })}) SELECT ${announcedExpression()} AS announced`);
  await afterAnnouncing(tx, rows[0]?.announced);
}

/** The notifications of a user that `announcing` has inserted. */
export interface Announced {
  readonly userId: number;
  /** Whether one of them is. */
  readonly isInApp: boolean;
  readonly isPending: boolean;
}

/** Returns an SQL expression for a list of `Announced`, in a statement that has `announcing` as its CTE `announced`. */
export function announcedExpression() {
  const published = changeExpression(NOTIFICATION_CHANNEL, sql`user_id::text`);
  return sql`(
    SELECT json_agg(json_build_object('userId', user_id, 'isInApp', is_in_app, 'isPending', is_pending,
      'published', CASE WHEN is_in_app THEN (${published})::text END))
    FROM (
      SELECT user_id, bool_or(is_in_app) AS is_in_app, bool_or(is_pending) AS is_pending FROM announced GROUP BY user_id
    ) AS announced)`;
}

/** Call it after the statement that has announced something. */
export async function afterAnnouncing(
  ctx: Context | Tx,
  announced: readonly Announced[] | null | undefined,
): Promise<void> {
  if (!announced) return;
  const inApp = announced.filter(({ isInApp }) => isInApp);
  publishLocally(
    ctx,
    NOTIFICATION_CHANNEL,
    inApp.map(({ userId }) => String(userId)),
  );
  if (announced.some(({ isPending }) => isPending)) await enqueueNotify(ctx);
}

/**
 * Enqueues the job that creates the mails and deliveries of pending notifications. Outside of a transaction, a second has
 * one job for all notifications: hundreds of tasks can end in it. If the process dies before, the reconciler adds the job.
 */
async function enqueueNotify(ctx: Context | Tx): Promise<void> {
  // Two transactions must not add the same id, because one would wait for the end of the other.
  const job =
    "afterCommit" in ctx
      ? { id: uuidV7(ctx.now()), payload: {} }
      : { id: notifyJobId(ctx), payload: {}, startAfterSeconds: 1 };
  await ctx.queue.add(ctx.db, jobs.notify, [job]);
}

function notifyJobId({ now }: Context): string {
  return deterministicJobId("notify", Math.floor(now().getTime() / 1000));
}

/** Notifications that are pending for longer than this have no job. */
const LOST_JOB_SECONDS = 30;

/** Runs every minute. @returns whether it has enqueued a lost job again */
export async function reconcileNotifications(ctx: Context): Promise<boolean> {
  const { rows } = await ctx.db.execute(sql`
    SELECT FROM rowmill.notifications
    WHERE is_pending AND created_at < statement_timestamp() - make_interval(secs => ${LOST_JOB_SECONDS}) LIMIT 1`);
  if (rows.length > 0) await enqueueNotify(ctx);
  return rows.length > 0;
}
