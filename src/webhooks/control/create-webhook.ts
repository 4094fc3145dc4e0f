import { lockOwnAccount } from "../../accounts/lock-account.ts";
import { type Context, inTransaction, requireActor } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { plural } from "../../platform/plural.ts";
import { webhooks } from "../../schema/webhooks.ts";
import { isOwnedBy, type Webhook } from "../queries.ts";
import { generateSecret } from "../secrets.ts";
import { checkFields, type WebhookFields } from "./webhook-fields.ts";

export type NewWebhook = WebhookFields & Required<Pick<WebhookFields, "url" | "events">>;

/** @throws DomainError `invalid_input`; `too_large` if the user has WEBHOOKS_PER_USER webhooks */
export async function createWebhook(ctx: Context, fields: NewWebhook): Promise<Webhook> {
  const userId = requireActor(ctx).id;
  const { url, events, description = "", headers = {} } = await checkFields(ctx, fields);
  return inTransaction(ctx, async (tx) => {
    // Concurrent requests could exceed the limit.
    await lockOwnAccount(tx, userId);
    const { maxPerUser } = tx.config.webhooks;
    if ((await tx.db.$count(webhooks, isOwnedBy(userId))) >= maxPerUser)
      throw new DomainError(
        "too_large",
        `You have ${plural(maxPerUser, "webhook")}, which is the limit (WEBHOOKS_PER_USER). Delete one, or ask your operator.`,
      );
    const now = tx.now();
    const [created] = await tx.db
      .insert(webhooks)
      .values({
        ...{ id: uuidV7(now), userId, url, events, description, headers },
        ...{ secret: generateSecret(), createdAt: now, updatedAt: now },
      })
      .returning();
    if (!created) throw new Error("The webhook was not created.");
    return created;
  });
}
