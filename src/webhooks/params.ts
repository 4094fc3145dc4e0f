import Type from "typebox";
import { Uuid } from "../platform/http/schemas.ts";

export const WebhookParams = Type.Object({
  webhook_id: { ...Uuid, description: "The id of the webhook." },
});

export const DeliveryParams = Type.Object({
  ...WebhookParams.properties,
  delivery_id: { ...Uuid, description: "The id of the delivery." },
});
