import { inArray, sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { isTransient, underSavepoint } from "../platform/postgres/database.ts";
import { Later } from "../platform/queue/later.ts";
import { notifications } from "../schema/notifications.ts";
import { addNotificationMail } from "./add-notification-mail.ts";
import { addWebhookDeliveries } from "./add-webhook-deliveries.ts";
import type { Notification } from "./queries.ts";

/** Notifications per transaction. */
const PAGE = 100;

/**
 * Creates the mails and webhook deliveries of pending notifications, in the transaction that also marks them as done:
 * none is lost or created twice, if two workers do this or one is killed.
 * @returns a `Later` if more notifications may be pending
 */
export async function fanOut(tx: Tx): Promise<Later | object> {
  const pending = await tx.db
    .select()
    .from(notifications)
    .where(sql`${notifications.isPending}`)
    .orderBy(notifications.id)
    .limit(PAGE)
    .for("update", { skipLocked: true });
  for (const notification of pending) await fanOutOne(tx, notification);
  const ids = pending.map(({ id }) => id);
  await tx.db.update(notifications).set({ isPending: false }).where(inArray(notifications.id, ids));
  // Nobody sees these, and they do not count towards the limit of an hour.
  const isDone = sql`NOT ${notifications.isInApp} AND NOT ${notifications.isMailed}`;
  await tx.db.delete(notifications).where(sql`${inArray(notifications.id, ids)} AND ${isDone}`);
  return pending.length === PAGE ? new Later(0, {}) : { notified: pending.length };
}

/** One job creates the deliveries of many users. Each belongs to the trace of its own notification. */
function fanOutOne(tx: Tx, notification: Notification): Promise<void> {
  const { id, kind, traceparent } = notification;
  const attributes = { "rowmill.notification_id": id, "rowmill.kind": kind };
  const parent = traceparent === null ? {} : { parent: traceparent };
  return tx.tracing.span("fan out a notification", { kind: "internal", ...parent, attributes }, (fail) =>
    sendOne(tx, notification, fail),
  );
}

/** A notification that cannot be sent must not hold up those of other users. */
async function sendOne(tx: Tx, notification: Notification, fail: (error: unknown) => void): Promise<void> {
  try {
    await underSavepoint(tx, async () => {
      if (notification.isMailed) await addNotificationMail(tx, notification);
      await addWebhookDeliveries(tx, notification);
    });
  } catch (error) {
    if (isTransient(error)) throw error;
    fail(error);
    tx.log.error({ err: error, notificationId: notification.id }, "cannot send a notification");
  }
}
