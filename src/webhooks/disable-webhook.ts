import { eq } from "drizzle-orm";
import { alertAdmins } from "../announcements/alert-admins.ts";
import { announce } from "../announcements/announce.ts";
import type { Tx } from "../context.ts";
import { type webhookDisabledReason, webhooks } from "../schema/webhooks.ts";
import { webhookChanged } from "./changed-webhooks.ts";
import type { Webhook } from "./queries.ts";
import { failPending } from "./slots.ts";

export type DisabledReason = (typeof webhookDisabledReason.enumValues)[number];

const REASONS: Readonly<Record<DisabledReason, string>> = {
  user: "You disabled the webhook.",
  gone: "The endpoint answered 410 Gone.",
  failing: "Deliveries have failed for 3 days, and none has succeeded.",
};

/** The characters of a text in a notification. */
const MAX_URL = 500;

/** Ends all its unfinished deliveries, and announces it unless its owner did it. The webhook must be locked. */
export async function disableWebhook(tx: Tx, webhook: Webhook, reason: DisabledReason): Promise<void> {
  const now = tx.now();
  await tx.db
    .update(webhooks)
    .set({ disabledAt: now, disabledReason: reason, updatedAt: now })
    .where(eq(webhooks.id, webhook.id));
  await failPending(tx, webhook.id, `Not sent: ${REASONS[reason]}`);
  await webhookChanged(tx, webhook.id);
  if (reason === "user") return;
  const { id, userId } = webhook;
  const { origin, pathname } = new URL(webhook.url);
  await announce(tx, {
    kind: "webhook.disabled",
    userId,
    subjectId: id,
    sequence: Math.floor(now.getTime() / 1000),
    data: { webhook_id: id, url: (origin + pathname).slice(0, MAX_URL), reason: REASONS[reason] },
  });
  if (reason !== "failing") return;
  // Not the path: services such as chats put a secret there.
  const message = `Webhook ${id} of user ${userId} at ${origin} was disabled. ${REASONS.failing}`;
  await alertAdmins(tx, { key: `webhook/${id}`, subject: "A webhook keeps failing", message });
}
