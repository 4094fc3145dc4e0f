import { and, asc, desc, eq, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
import { MAX_PER_HOUR } from "../announcements/announcing.ts";
import type { Kind } from "../announcements/kinds.ts";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { notifications } from "../schema/notifications.ts";

export type Notification = typeof notifications.$inferSelect;

/** Matches the notifications that the user sees. */
export function isShownTo(userId: number): SQL | undefined {
  return and(eq(notifications.userId, userId), eq(notifications.isInApp, true));
}

const fields = {
  id: notifications.id,
  kind: notifications.kind,
  subjectId: notifications.subjectId,
  sequence: notifications.sequence,
  data: notifications.data,
  isLastOfHour: sql<boolean>`(
    SELECT count(*) FROM (
      SELECT FROM rowmill.notifications AS earlier
      WHERE earlier.user_id = notifications.user_id AND earlier.kind = notifications.kind AND (earlier.is_in_app OR earlier.is_mailed)
        AND earlier.created_at > notifications.created_at - interval '1 hour' AND earlier.created_at <= notifications.created_at
      LIMIT ${MAX_PER_HOUR}
    ) AS earlier
  ) = ${MAX_PER_HOUR}`,
  createdAt: notifications.createdAt,
  readAt: notifications.readAt,
};

export interface ListedNotification extends Pick<Notification, Exclude<keyof typeof fields, "isLastOfHour">> {
  /** Whether it is the last of the notifications of its kind that a user gets within an hour. */
  readonly isLastOfHour: boolean;
}

interface ListRequest {
  readonly kind: Kind | undefined;
  readonly isUnread: boolean | undefined;
  /** The last id of the previous page; null for the first page. */
  readonly before: string | null;
  readonly limit: number;
}

/** Lists the newest notifications first. */
export function listNotifications(
  ctx: Context,
  userId: number,
  { kind, isUnread, before, limit }: ListRequest,
): Promise<Found<ListedNotification>> {
  const where = and(
    isShownTo(userId),
    isUnread ? isNull(notifications.readAt) : undefined,
    kind === undefined ? undefined : eq(notifications.kind, kind),
    before === null ? undefined : lt(notifications.id, before),
  );
  return readPage(ctx, {
    fields,
    from: sql`${notifications} WHERE ${where} ORDER BY ${desc(notifications.id)}`,
    order: sql`id DESC`,
    limit,
  });
}

/** Reads the notifications after an id, oldest first. */
export function listNotificationsAfter(
  ctx: Context,
  userId: number,
  after: string,
  limit: number,
): Promise<Found<ListedNotification>> {
  const where = and(isShownTo(userId), gt(notifications.id, after));
  return readPage(ctx, {
    fields,
    from: sql`${notifications} WHERE ${where} ORDER BY ${asc(notifications.id)}`,
    order: sql`id`,
    limit,
  });
}

/** @throws DomainError `not_found`, also if the notification belongs to another user */
export async function getNotification(ctx: Context, userId: number, id: string): Promise<ListedNotification> {
  const [found] = await ctx.db
    .select(fields)
    .from(notifications)
    .where(and(eq(notifications.id, id), isShownTo(userId)));
  if (!found) throw notFound("notification");
  return found;
}

/** The unread notifications that are counted. */
export const MAX_UNREAD = 1000;

export interface Unread {
  readonly userId: number;
  /** One more than `MAX_UNREAD` if there are more. */
  readonly unread: number;
  /** The newest notification, also if it is read; null: there are no notifications. */
  readonly newestId: string | null;
}

/** Counts the unread notifications of each user. */
export async function countUnread({ db }: Context, userIds: readonly number[]): Promise<Unread[]> {
  const { rows } = await db.execute<{ userId: number; unread: number; newestId: string | null }>(sql`
    SELECT user_id AS "userId",
      (SELECT count(*)::int FROM (
        SELECT FROM rowmill.notifications
        WHERE notifications.user_id = asked.user_id AND is_in_app AND read_at IS NULL LIMIT ${MAX_UNREAD + 1}
      ) AS unread) AS unread,
      (SELECT id FROM rowmill.notifications
       WHERE notifications.user_id = asked.user_id AND is_in_app ORDER BY id DESC LIMIT 1) AS "newestId"
    FROM unnest(${sql.param([...userIds])}::int[]) AS asked (user_id)`);
  return rows;
}
