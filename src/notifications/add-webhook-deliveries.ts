import { and, eq } from "drizzle-orm";
import { announcementKinds, type Kind } from "../announcements/kinds.ts";
import type { Tx } from "../context.ts";
import { notificationPreferences as preferences } from "../schema/notifications.ts";
import { addDeliveries } from "../webhooks/add-deliveries.ts";
import type { Notification } from "./queries.ts";

/** Creates one delivery per enabled webhook of the user that has chosen the kind of the notification. */
export async function addWebhookDeliveries(tx: Tx, notification: Notification): Promise<void> {
  const { id: messageId, userId, sequence, data, createdAt: occurredAt } = notification;
  const kind = notification.kind as Kind;
  const [chosen] = await tx.db
    .select({ webhook: preferences.webhook })
    .from(preferences)
    .where(and(eq(preferences.userId, userId), eq(preferences.kind, kind)));
  // A later version may have written a kind that this one does not know.
  if (!(chosen?.webhook ?? announcementKinds[kind]?.channels.webhook)) return;
  await addDeliveries(tx, { messageId, userId, kind, sequence, data, occurredAt });
}
