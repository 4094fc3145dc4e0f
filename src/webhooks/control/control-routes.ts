import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { DETAIL_BYTES } from "../../platform/http/bounded-answers.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { DeliveryParams, WebhookParams } from "../params.ts";
import { DeliveryDetail, viewDetail, viewWebhook, WebhookWithSecret } from "../views.ts";
import { createWebhook } from "./create-webhook.ts";
import { MAX_REPLAYED, replayDelivery, replayFailed } from "./replay-deliveries.ts";
import { testWebhook } from "./test-webhook.ts";
import { deleteWebhook, rotateSecret, updateWebhook } from "./update-webhook.ts";
import { webhookFields } from "./webhook-fields.ts";

const { url, events, ...optional } = webhookFields;

const NewWebhook = Type.Object(
  { url, events, ...Type.Partial(Type.Object(optional)).properties },
  { additionalProperties: false },
);

const Changes = Type.Object(
  {
    ...Type.Partial(Type.Object(webhookFields)).properties,
    is_enabled: Type.Optional(
      Type.Boolean({
        description:
          "false: unfinished deliveries fail, and new events are not sent. true: new events are sent; nothing is sent again.",
        examples: [true],
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);

const ReplayBody = Type.Object(
  {
    since: Type.String({
      format: "date-time",
      description: "Replay failed deliveries of events at this time or later.",
      examples: ["2026-11-22T00:00:00Z"],
    }),
  },
  { additionalProperties: false },
);

const ReplayedView = Type.Object(
  {
    replayed: Type.Integer({ description: "The deliveries that will be sent again.", examples: [12] }),
    remaining: Type.Integer({
      description: "Failed deliveries that match and were not replayed. Repeat the request for them.",
      examples: [0],
    }),
  },
  { description: "How many deliveries were replayed." },
);

export function webhookControlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["webhooks"] }, (app, shared) => {
    app.post(
      "/api/v1/webhooks",
      {
        schema: {
          ...shared,
          operationId: "createWebhook",
          summary: "Create a webhook",
          description:
            "Rowmill sends your events to the URL, signed as Standard Webhooks requires. Keep `secret`.",
          body: NewWebhook,
          response: { 201: WebhookWithSecret, ...problems(400, 401, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const webhook = await createWebhook(ctx, body);
        return reply.code(201).send({ ...viewWebhook(webhook), secret: webhook.secret });
      },
    );

    app.patch(
      "/api/v1/webhooks/:webhook_id",
      {
        schema: {
          ...shared,
          operationId: "updateWebhook",
          summary: "Update a webhook",
          description: "Changes the fields that the body has. Deliveries that are pending go to the new URL.",
          params: WebhookParams,
          body: Changes,
          response: { 200: Type.Ref("Webhook"), ...problems(400, 401, 404, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { is_enabled, ...fields } = body;
        const changes = is_enabled === undefined ? fields : { ...fields, isEnabled: is_enabled };
        return viewWebhook(await updateWebhook(ctx, params.webhook_id, changes));
      },
    );

    app.delete(
      "/api/v1/webhooks/:webhook_id",
      {
        schema: {
          ...shared,
          operationId: "deleteWebhook",
          summary: "Delete a webhook",
          description: "Nothing more is sent, and its deliveries are removed.",
          params: WebhookParams,
          response: {
            204: Type.Null({ description: "The webhook is deleted." }),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ ctx, params }, reply) => {
        await deleteWebhook(ctx, params.webhook_id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      "/api/v1/webhooks/:webhook_id/rotate",
      {
        schema: {
          ...shared,
          operationId: "rotateWebhookSecret",
          summary: "Rotate the secret of a webhook",
          description:
            "Returns a new secret. For 24 hours, each message also has a signature of the previous one.",
          params: WebhookParams,
          response: { 200: WebhookWithSecret, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, params }) => {
        const webhook = await rotateSecret(ctx, params.webhook_id);
        return { ...viewWebhook(webhook), secret: webhook.secret };
      },
    );

    app.post(
      "/api/v1/webhooks/:webhook_id/test",
      {
        schema: {
          ...shared,
          operationId: "testWebhook",
          summary: "Test a webhook",
          description:
            "Sends a message of the kind `webhook.test` once, also to a disabled webhook, and shows the answer. If no worker " +
            "is free within about 20 seconds, the delivery is returned as `pending`.",
          params: WebhookParams,
          response: { 200: DeliveryDetail, ...problems(400, 401, 404, 409) },
        },
      },
      async ({ ctx, params }) => viewDetail(await testWebhook(ctx, params.webhook_id)),
    );

    app.post(
      "/api/v1/webhooks/:webhook_id/deliveries/:delivery_id/replay",
      {
        schema: {
          ...shared,
          operationId: "replayWebhookDelivery",
          summary: "Replay a delivery",
          description:
            "Sends a delivery that has ended once more, with the same `webhook-id` and a new timestamp. It gets all its retries again.",
          params: DeliveryParams,
          response: { 200: DeliveryDetail, ...problems(400, 401, 404, 409) },
        },
      },
      async ({ ctx, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        return viewDetail(await replayDelivery(ctx, params.webhook_id, params.delivery_id));
      },
    );

    app.post(
      "/api/v1/webhooks/:webhook_id/replay",
      {
        schema: {
          ...shared,
          operationId: "replayFailedWebhookDeliveries",
          summary: "Replay failed deliveries",
          description: `Replays up to ${MAX_REPLAYED} failed deliveries, oldest first. Repeat the request while \`remaining\` is not 0.`,
          params: WebhookParams,
          body: ReplayBody,
          response: { 200: ReplayedView, ...problems(400, 401, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => replayFailed(ctx, params.webhook_id, new Date(body.since)),
    );
  });
}
