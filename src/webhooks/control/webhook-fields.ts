/** The fields of a webhook that its owner sets, with the rules that a schema cannot express. */
import { setTimeout as sleep } from "node:timers/promises";
import Type, { type Static } from "typebox";
import { announcementKinds, type Kind } from "../../announcements/kinds.ts";
import { type Context, requireActor } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { MapOf, NUL_FREE } from "../../platform/http/schemas.ts";
import { isReachable } from "../../platform/http-client/addresses.ts";
import {
  DestinationRefused,
  literalOf,
  NOT_PUBLIC,
  parseDestination,
} from "../../platform/http-client/destination.ts";
import { resolveHost } from "../../platform/http-client/resolve-host.ts";
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
  headers: MapOf(Type.String({ maxLength: 1000, pattern: "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$" }), {
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
  return { ...fields, url: await checkUrl(ctx, url) };
}

function checkEvents(ctx: Context, events: readonly Kind[]): void {
  const { role } = requireActor(ctx);
  const forbidden = events.find((kind) => {
    const known = announcementKinds[kind];
    return "role" in known && known.role !== role;
  });
  if (forbidden) throw invalidField("events", `"${forbidden}" is only for the role admin.`);
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const RESERVED =
  /^(host|content-.*|webhook-.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|accept-encoding)$/;

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) throw invalidField("headers", "has the same name twice.");
  const invalid = Object.keys(headers).find((name) => !TOKEN.test(name));
  if (invalid !== undefined)
    throw invalidField("headers", `"${invalid.slice(0, 100)}" is not the name of a header.`);
  const reserved = names.find((name) => RESERVED.test(name));
  if (reserved) throw invalidField("headers", `"${reserved}" is set by Rowmill. Choose another name.`);
}

const LOOK_UP_MS = 3000;

/** A friendly check: the address is checked again at every attempt. A name server that does not answer is no reason to refuse. */
async function checkUrl({ config }: Context, text: string): Promise<string> {
  const url = parse(text, config.egress);
  if (literalOf(url.hostname) !== null || config.egress.proxyUrl !== "") return url.href;
  const addresses = await Promise.race([
    resolveHost(url.hostname),
    sleep(LOOK_UP_MS, [], { ref: false }),
  ]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTFOUND") throw invalidField("url", `the host "${url.hostname}" is unknown.`);
    return [];
  });
  if (addresses.some(({ address }) => !isReachable(address, config.egress.allowedNetworks)))
    throw invalidField("url", NOT_PUBLIC);
  return url.href;
}

function parse(text: string, rules: Context["config"]["egress"]): URL {
  try {
    return parseDestination(text, rules);
  } catch (error) {
    if (error instanceof DestinationRefused) throw invalidField("url", error.message, error);
    throw error;
  }
}
