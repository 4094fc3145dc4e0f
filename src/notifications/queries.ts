import { and, asc, count, desc, eq, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
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
  isLastOfHour: notifications.isLastOfHour,
  createdAt: notifications.createdAt,
  readAt: notifications.readAt,
};

export type ListedNotification = Pick<Notification, keyof typeof fields>;

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

/** @returns the number of unread notifications, but not more than `max` */
export async function countUnread(ctx: Context, userId: number, max: number): Promise<number> {
  const unread = ctx.db
    .select({ id: notifications.id })
    .from(notifications)
    .where(and(isShownTo(userId), isNull(notifications.readAt)))
    .limit(max)
    .as("unread");
  const [counted] = await ctx.db.select({ unread: count() }).from(unread);
  return counted?.unread ?? 0;
}
