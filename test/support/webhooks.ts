/** Webhooks, their messages and deliveries. */
import type { Static } from "typebox";
import { type Context, inTransaction } from "../../src/context.ts";
import { uuidV7 } from "../../src/platform/ids.ts";
import { addDeliveries } from "../../src/webhooks/add-deliveries.ts";
import type { DeliveryDetail, DeliveryView, WebhookView } from "../../src/webhooks/views.ts";
import type { Client } from "./client.ts";
import { until } from "./until.ts";

export type Webhook = WebhookView & { readonly secret: string };
export type Detail = Static<typeof DeliveryDetail>;

export async function newWebhook(user: Client, url: string, fields: object = {}): Promise<Webhook> {
  const body = { url, events: ["batch.finished"], ...fields };
  const answer = await user.post<Webhook>("/api/v1/webhooks", body);
  if (answer.status !== 201) throw new Error(`The webhook was refused: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Adds a message as an announcement does. @returns the number of its deliveries */
export function addMessage(ctx: Context, user: Client, messageId = uuidV7(ctx.now())): Promise<number> {
  const data = { batch_id: uuidV7(ctx.now()), target: "books", state: "completed", total: 3 };
  const message = { messageId, userId: user.userId, kind: "batch.finished", data } as const;
  return inTransaction(ctx, (tx) => addDeliveries(tx, { ...message, occurredAt: ctx.now(), sequence: 1 }));
}

export async function deliveries(user: Client, { id }: { id: string }, query = ""): Promise<DeliveryView[]> {
  const { body } = await user.get<{ items: DeliveryView[] }>(`/api/v1/webhooks/${id}/deliveries${query}`);
  return body.items;
}

/** Waits until the newest delivery is in a state. @returns its details */
export function newest(
  user: Client,
  webhook: { id: string },
  state: string,
  timeoutMs?: number,
): Promise<Detail> {
  const probe = async () => {
    const [delivery] = await deliveries(user, webhook);
    if (delivery?.state !== state) return null;
    const { body } = await user.get<Detail>(`/api/v1/webhooks/${webhook.id}/deliveries/${delivery.id}`);
    return body;
  };
  return until(`the newest delivery is ${state}`, probe, timeoutMs);
}
