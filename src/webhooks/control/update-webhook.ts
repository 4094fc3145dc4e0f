import { eq } from "drizzle-orm";
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction, requireActor, type Tx } from "../../context.ts";
import { webhooks } from "../../schema/webhooks.ts";
import { webhookChanged } from "../changed-webhooks.ts";
import { disableWebhook } from "../disable-webhook.ts";
import { lockOwnWebhook, type Webhook } from "../queries.ts";
import { generateSecret } from "../secrets.ts";
import { wakeWaiting } from "../slots.ts";
import { checkFields, type WebhookFields } from "./webhook-fields.ts";

export interface WebhookChanges extends WebhookFields {
  readonly isEnabled?: boolean;
}

/**
 * Disabling a webhook ends its unfinished deliveries. Enabling it sends none of them again.
 * @throws DomainError `not_found`, `invalid_input`
 */
export async function updateWebhook(ctx: Context, id: string, changes: WebhookChanges): Promise<Webhook> {
  const userId = requireActor(ctx).id;
  const { isEnabled, ...fields } = await checkFields(ctx, changes);
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockOwnWebhook(tx, userId, id);
    const wasEnabled = webhook.disabledAt === null;
    const isMoved = fields.url !== undefined && fields.url !== webhook.url;
    const isEnabledNow = isEnabled === true && !wasEnabled;
    const updated = await change(tx, webhook, {
      ...fields,
      ...(isMoved || isEnabledNow ? HEALTHY : {}),
      ...(isEnabledNow ? { disabledAt: null, disabledReason: null } : {}),
    });
    if (isMoved) await wakeWaiting(tx, updated);
    if (isEnabled !== false || !wasEnabled) return updated;
    await disableWebhook(tx, updated, "user");
    return lockOwnWebhook(tx, userId, id);
  });
}

const OVERLAP_MS = 86_400_000;

/**
 * Replaces the secret. For a day, messages have a signature of each. The secret before the previous one ends at once.
 * @throws DomainError `not_found`
 */
export function rotateSecret(ctx: Context, id: string): Promise<Webhook> {
  const userId = requireActor(ctx).id;
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockOwnWebhook(tx, userId, id);
    const previousSecretUntil = new Date(tx.now().getTime() + OVERLAP_MS);
    const secrets = { secret: generateSecret(), previousSecret: webhook.secret, previousSecretUntil };
    const changed = await change(tx, webhook, secrets);
    await record(tx, "webhook.secret_rotated", webhook);
    return changed;
  });
}

/**
 * No attempt starts after this. Upkeep removes the deliveries.
 * @throws DomainError `not_found`
 */
export function deleteWebhook(ctx: Context, id: string): Promise<void> {
  const userId = requireActor(ctx).id;
  return inTransaction(ctx, async (tx) => {
    const webhook = await lockOwnWebhook(tx, userId, id);
    const now = tx.now();
    const blank = { secret: "", previousSecret: null, headers: {} };
    await change(tx, webhook, { ...blank, disabledAt: now, disabledReason: "user", deletedAt: now });
    await record(tx, "webhook.deleted", webhook);
  });
}

/** A new beginning for an endpoint that has failed. */
const HEALTHY: Partial<Webhook> = { failures: 0, failingSince: null, isThrottled: false, heldUntil: null };

/** Only the origin of the URL: services such as chats put a secret into the path. */
function record(
  tx: Tx,
  action: "webhook.secret_rotated" | "webhook.deleted",
  { id, userId, url }: Webhook,
): Promise<void> {
  const details = { origin: new URL(url).origin };
  return recordOwn(tx, { action, subject: { type: "webhook", id }, ownerId: userId, details });
}

async function change(tx: Tx, webhook: Webhook, changes: Partial<Webhook>): Promise<Webhook> {
  const [changed = webhook] = await tx.db
    .update(webhooks)
    .set({ ...changes, updatedAt: tx.now() })
    .where(eq(webhooks.id, webhook.id))
    .returning();
  await webhookChanged(tx, webhook.id);
  return changed;
}
