/** The fields of a webhook that its owner sets, with the rules that a schema cannot express. */
import Type, { type Static } from "typebox";
import { announcementKinds, type Kind } from "../../announcements/kinds.ts";
import { type Context, requireActor } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { MapOf, NUL_FREE } from "../../platform/http/schemas.ts";
import { checkHeaders, checkUrl, HEADER_VALUE } from "../../platform/http-client/check-request.ts";
import { EventKind } from "../views.ts";

const MAX_HEADERS = 10;

export const webhookFields = {
  url: Type.String({
    maxLength: 2000,
    description:
      "The URL that receives the messages. It begins with `https://`, on port 80, 443, or 1024 and higher.",
    examples: ["https://example.com/webhooks/rowmill"],
  }),
  events: Type.Array(EventKind, {
    minItems: 1,
    maxItems: 100,
    uniqueItems: true,
    description: "The kinds of events to send.",
    examples: [["batch.finished", "task.failed"]],
  }),
  description: Type.String({
    maxLength: 500,
    pattern: NUL_FREE,
    description: "A note for yourself.",
    examples: ["Warehouse"],
  }),
  headers: MapOf(Type.String({ maxLength: 1000, pattern: HEADER_VALUE }), {
    maxProperties: MAX_HEADERS,
    description:
      "Up to 10 headers that every request has, such as `authorization`. They replace all earlier ones. Names that HTTP or the " +
      "signature needs are refused.",
    examples: [{ authorization: "Bearer 5f1c" }],
  }),
};

const Fields = Type.Partial(Type.Object(webhookFields));
export type WebhookFields = Static<typeof Fields>;

/** Returns the fields as they are stored. @throws DomainError `invalid_input` */
export async function checkFields<F extends WebhookFields>(ctx: Context, fields: F): Promise<F> {
  const { url, events, headers } = fields;
  if (events !== undefined) checkEvents(ctx, events);
  if (headers !== undefined) checkHeaders(headers);
  if (url === undefined) return fields;
  return { ...fields, url: await checkUrl(ctx.config.egress, url) };
}

function checkEvents(ctx: Context, events: readonly Kind[]): void {
  const { role } = requireActor(ctx);
  const forbidden = events.find((kind) => {
    const known = announcementKinds[kind];
    return "role" in known && known.role !== role;
  });
  if (forbidden) throw invalidField("events", `"${forbidden}" is only for the role admin.`);
}
