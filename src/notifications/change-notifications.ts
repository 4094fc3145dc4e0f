/** Changes that a user makes to notifications. */
import { and, eq, sql } from "drizzle-orm";
import { NOTIFICATION_CHANNEL } from "../announcements/announce.ts";
import { recordOwn } from "../audit/record-repeated.ts";
import { type Context, inTransaction, publishChange, type Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { uuidV7 } from "../platform/ids.ts";
import { notifications } from "../schema/notifications.ts";
import { getNotification, isShownTo, type ListedNotification } from "./queries.ts";

/** Notifications per statement. */
const PAGE = 1000;

/** Marks a notification as read or unread. @throws DomainError `not_found` */
export function markNotification(
  ctx: Context,
  userId: number,
  id: string,
  isRead: boolean,
): Promise<ListedNotification> {
  return inTransaction(ctx, async (tx) => {
    // The time of the first reading stays.
    const readAt = isRead ? sql`coalesce(read_at, statement_timestamp())` : null;
    const { rowCount } = await tx.db
      .update(notifications)
      .set({ readAt })
      .where(and(eq(notifications.id, id), isShownTo(userId)));
    if (rowCount === 0) throw notFound("notification");
    await changed(tx, userId);
    return getNotification(tx, userId, id);
  });
}

/**
 * Marks all notifications as read, in statements of a thousand.
 * @param upTo the newest id to mark; absent: all
 * @returns the number of marked notifications
 */
export async function markAllRead(ctx: Context, userId: number, upTo: string | undefined): Promise<number> {
  // Ends although new ones arrive.
  const isUpTo = sql`id <= ${upTo ?? uuidV7(ctx.now())}`;
  for (let marked = 0; ; ) {
    const page = await inTransaction(ctx, async (tx) => {
      // Ordered, so that two requests cannot deadlock.
      const { rowCount } = await tx.db.execute(sql`
        UPDATE rowmill.notifications SET read_at = statement_timestamp()
        WHERE id = ANY(ARRAY(
          SELECT id FROM rowmill.notifications
          WHERE user_id = ${userId} AND is_in_app AND read_at IS NULL AND ${isUpTo} ORDER BY id LIMIT ${PAGE} FOR UPDATE
        ))`);
      await changed(tx, userId);
      return rowCount ?? 0;
    });
    marked += page;
    if (page < PAGE) return marked;
  }
}

/** @throws DomainError `not_found` */
export async function deleteNotification(ctx: Context, userId: number, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const isThis = and(eq(notifications.id, id), isShownTo(userId));
    let { rowCount } = await tx.db
      .delete(notifications)
      .where(and(isThis, eq(notifications.isPending, false)));
    // Its e-mail and its deliveries are still to be created.
    if (rowCount === 0)
      ({ rowCount } = await tx.db.update(notifications).set({ isInApp: false }).where(isThis));
    if (rowCount === 0) throw notFound("notification");
    await changed(tx, userId);
    const subject = { type: "notification", id };
    await recordOwn(tx, { action: "notification.deleted", subject, ownerId: userId });
  });
}

const changed = (tx: Tx, userId: number) => publishChange(tx, NOTIFICATION_CHANNEL, [String(userId)]);
