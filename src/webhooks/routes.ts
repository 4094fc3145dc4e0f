import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { DeliveryParams, WebhookParams } from "./params.ts";
import { getDelivery, getWebhook, listDeliveries, listWebhooks } from "./queries.ts";
import {
  DeliveryDetail,
  DeliveryStateName,
  DeliveryView,
  viewDelivery,
  viewDetail,
  viewWebhook,
} from "./views.ts";

export function webhookRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["webhooks"] }, (app, shared) => {
    app.get(
      "/api/v1/webhooks",
      {
        schema: {
          ...shared,
          operationId: "listWebhooks",
          summary: "List webhooks",
          description: "Your webhooks, oldest first. Secrets are not shown.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("Webhook")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const after = decodeUuidCursor(query.cursor);
        const found = await listWebhooks(ctx, user.id, { after, limit: query.limit });
        return pageOf(found, ({ id }) => id, viewWebhook);
      },
    );

    app.get(
      "/api/v1/webhooks/:webhook_id",
      {
        schema: {
          ...shared,
          operationId: "getWebhook",
          summary: "Get a webhook",
          description: "Returns the webhook and how its endpoint is doing. The secret is not shown.",
          params: WebhookParams,
          response: { 200: Type.Ref("Webhook"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => viewWebhook(await getWebhook(ctx, user.id, params.webhook_id)),
    );

    app.get(
      "/api/v1/webhooks/:webhook_id/deliveries",
      {
        schema: {
          ...shared,
          operationId: "listWebhookDeliveries",
          summary: "List the deliveries of a webhook",
          description: "Newest first. Deliveries that have ended are removed after RETENTION_DAYS.",
          params: WebhookParams,
          querystring: Type.Object({
            state: Type.Optional({ ...DeliveryStateName, description: "Only deliveries in this state." }),
            ...PageQuery,
          }),
          response: { 200: Page(DeliveryView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const page = { before: decodeUuidCursor(query.cursor), limit: query.limit };
        const { id } = await getWebhook(ctx, user.id, params.webhook_id);
        const found = await listDeliveries(ctx, id, query.state, page);
        return pageOf(found, (delivery) => delivery.id, viewDelivery);
      },
    );

    app.get(
      "/api/v1/webhooks/:webhook_id/deliveries/:delivery_id",
      {
        schema: {
          ...shared,
          operationId: "getWebhookDelivery",
          summary: "Get a delivery",
          description:
            "Returns the message and its attempts: status, duration, error, and the beginning of the answer.",
          params: DeliveryParams,
          response: { 200: DeliveryDetail, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        const { id } = await getWebhook(ctx, user.id, params.webhook_id);
        return viewDetail(await getDelivery(ctx, id, params.delivery_id));
      },
    );
  });
}
