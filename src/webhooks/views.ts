import Type, { type Static } from "typebox";
import { kinds } from "../announcements/kinds.ts";
import { Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { webhookDeliveryState, webhookDisabledReason } from "../schema/webhooks.ts";
import { messageIdOf } from "./message.ts";
import type { Attempt, Delivery, ListedDelivery, Webhook } from "./queries.ts";

export const EventKind = Type.Enum(kinds, { description: "The kind of event." });

const WEBHOOK_EXAMPLE = {
  id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55",
  url: "https://example.com/webhooks/rowmill",
  events: ["batch.finished", "task.failed"],
  description: "Warehouse",
  header_names: ["authorization"],
  is_enabled: true,
  disabled_at: null,
  disabled_reason: null,
  is_throttled: false,
  held_until: null,
  failures: 0,
  failing_since: null,
  last_success_at: "2026-11-22T03:43:21.893Z",
  previous_secret_until: null,
  created_at: "2026-11-20T09:12:44.120Z",
  updated_at: "2026-11-20T09:12:44.120Z",
};

export const WebhookView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the webhook." },
    url: Type.String({ description: "The URL that receives the messages." }),
    events: Type.Array(Type.String(), { description: "The kinds of events that are sent." }),
    description: Type.String({ description: "Your note, or empty." }),
    header_names: Type.Array(Type.String(), {
      description: "The names of your own headers. Their values are not shown, because they may be secret.",
    }),
    is_enabled: Type.Boolean({ description: "Whether new events are sent." }),
    disabled_at: NullableMoment("When the webhook was disabled. null: it is enabled."),
    disabled_reason: nullable(
      Type.Enum(webhookDisabledReason.enumValues),
      "user: you disabled it. gone: the endpoint answered 410. failing: no delivery succeeded for 3 days after a failure.",
    ),
    is_throttled: Type.Boolean({
      description: "Whether the endpoint is overloaded. It gets one request at a time until it accepts one.",
    }),
    held_until: NullableMoment(
      "Until when the endpoint asked for no messages (`Retry-After`). null: it did not ask.",
    ),
    failures: Type.Integer({ description: "Failed attempts since the last success." }),
    failing_since: NullableMoment("When the first of these attempts failed."),
    last_success_at: NullableMoment("When the endpoint last accepted a message."),
    previous_secret_until: NullableMoment(
      "Until when messages also have a signature of the previous secret.",
    ),
    created_at: Moment("When the webhook was created."),
    updated_at: Moment("When the webhook was last changed."),
  },
  { $id: "Webhook", description: "A webhook.", examples: [WEBHOOK_EXAMPLE] },
);
export type WebhookView = Static<typeof WebhookView>;

export const WebhookWithSecret = Type.Object(
  {
    ...WebhookView.properties,
    secret: Type.String({ description: "The key of the signatures. It is shown only once." }),
  },
  {
    description: "The webhook with its new secret.",
    examples: [{ ...WEBHOOK_EXAMPLE, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }],
  },
);

export function viewWebhook(webhook: Webhook): WebhookView {
  const { previousSecretUntil, heldUntil, failingSince, lastSuccessAt, disabledAt } = webhook;
  return {
    id: webhook.id,
    url: webhook.url,
    events: webhook.events,
    description: webhook.description,
    header_names: Object.keys(webhook.headers),
    is_enabled: disabledAt === null,
    disabled_at: disabledAt?.toISOString() ?? null,
    disabled_reason: webhook.disabledReason,
    is_throttled: webhook.isThrottled,
    held_until: heldUntil?.toISOString() ?? null,
    failures: webhook.failures,
    failing_since: failingSince?.toISOString() ?? null,
    last_success_at: lastSuccessAt?.toISOString() ?? null,
    previous_secret_until: previousSecretUntil?.toISOString() ?? null,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
  };
}

export const DeliveryStateName = Type.Enum(webhookDeliveryState.enumValues, {
  description:
    "pending: an attempt runs or will follow. delivered: the endpoint accepted the message. failed: no attempt will follow.",
});

export const DeliveryView = Type.Object({
  id: { ...Uuid, description: "The id of the delivery." },
  message_id: Type.String({
    description: "The `webhook-id` of every attempt. It is the same at all your webhooks.",
    examples: ["msg_019c1f3e7f0a7c119d436d0b2c1a9e55"],
  }),
  event: Type.String({ description: "The kind of event.", examples: ["batch.finished"] }),
  state: DeliveryStateName,
  attempts: Type.Integer({ description: "How many attempts have started." }),
  next_attempt_at: NullableMoment(
    "When the next attempt may start. null: none will follow. In the past: it waits for a worker, for other attempts, or for `held_until` of the webhook.",
  ),
  error: nullable(Type.String({ examples: ["The endpoint answered 500."] }), "Why the delivery failed."),
  created_at: Moment("When the event happened."),
  ended_at: NullableMoment("When the delivery succeeded or failed."),
});
export type DeliveryView = Static<typeof DeliveryView>;

const AttemptView = Type.Object({
  number: Type.Integer({ description: "1 is the first attempt." }),
  started_at: Moment("When the attempt started."),
  ms: nullable(Type.Integer(), "How long it took. null: it is running, or its worker was lost."),
  status: nullable(Type.Integer({ examples: [200] }), "The HTTP status of the answer. null: no answer came."),
  error: nullable(
    Type.String({ examples: ["The endpoint answered 500."] }),
    "Why the attempt failed. null: it succeeded, or is running.",
  ),
  answer: nullable(
    Type.String({ examples: ["oops"] }),
    "The first 4 kB of the answer, without your secrets. The log keeps the text of the first and the last answer. null: the " +
      "text is not kept, or no answer came.",
  ),
});

export const DeliveryDetail = Type.Object(
  {
    ...DeliveryView.properties,
    body: Type.String({
      description: "The text that is sent and signed.",
      examples: ['{"type":"webhook.test","timestamp":"2026-11-22T03:43:21.893Z","data":{"sequence":1}}'],
    }),
    attempt_log: Type.Array(AttemptView, { description: "The last 20 attempts, oldest first." }),
  },
  { description: "The delivery with its attempts." },
);

export function viewDelivery(delivery: ListedDelivery): DeliveryView {
  const { id, messageId, kind, state, attempts, dueAt, error, createdAt, endedAt } = delivery;
  return {
    id,
    message_id: messageIdOf(messageId),
    event: kind,
    state,
    attempts,
    next_attempt_at: state === "pending" ? dueAt.toISOString() : null,
    error,
    created_at: createdAt.toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
  };
}

export function viewDetail(
  delivery: Delivery & { readonly attemptLog: readonly Attempt[] },
): Static<typeof DeliveryDetail> {
  const attempts = delivery.attemptLog.map(({ number, startedAt, ms, status, error, answer }) => ({
    ...{ number, ms, status, error, answer },
    started_at: startedAt.toISOString(),
  }));
  return { ...viewDelivery(delivery), body: delivery.body, attempt_log: attempts };
}
