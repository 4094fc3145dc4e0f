/** Limits the requests that one user has at a time, by the kind of the request, so that nobody takes all of a process. */
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import type { Config } from "../../config/config.ts";
import { DomainError } from "../../errors.ts";
import { FairSlots, NoSlot } from "../fair-slots.ts";
import { isUpload } from "./body-guard.ts";
import { requesterOf } from "./requester.ts";
import { signalOf } from "./signal-of.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * Whether a read can take the database seconds. Absent: if it has other query parameters than those of a page, because
     * few rows may match.
     */
    readonly search?: "always" | "never";
  }
}

type Kind = "read" | "write" | "search" | "upload";

const PAGE_PARAMETERS: ReadonlySet<string> = new Set(["cursor", "limit", "page", "page_size"]);
const EVENT_STREAM = "text/event-stream";
/** As many requests wait for each that runs. */
const WAITING_PER_SLOT = 8;
const WAIT_MS = 10_000;
const RETRY_AFTER_SECONDS = 2;

/** Call it before the routes are registered. @param maxSearches for all users together */
export function limitRequests(app: FastifyInstance, config: Config, maxSearches: number): void {
  const slots = slotsOf(config, maxSearches);
  // A HEAD route gets the handler of its GET route.
  const limited = new WeakSet<RouteOptions["handler"]>();
  app.addHook("onRoute", (route) => {
    // Documents and probes are served in any case.
    const { handler, schema } = route;
    if (!schema?.operationId || schema.tags?.includes("health") || limited.has(handler)) return;
    const isStream = JSON.stringify(schema.response ?? {}).includes(EVENT_STREAM);
    route.handler = async function (request, reply) {
      const kind = isStream ? "stream" : kindOf(request, route);
      const limit = slots[kind === "read" || kind === "write" ? requestsOf(request) : kind];
      const gone = () => signalOf(reply);
      using _slot = await limit.slots.take(requesterOf(request), gone).catch((error: unknown) => {
        throw error instanceof NoSlot ? refusal(limit) : error;
      });
      // Awaits a reply that is sent as a stream, until the client has it.
      return await handler.call(this, request, reply);
    };
    limited.add(route.handler);
  });
}

interface Limit {
  readonly slots: FairSlots;
  readonly noun: string;
  readonly setting: string;
}

function slotsOf(config: Config, maxSearches: number) {
  const limit = (
    noun: string,
    setting: string,
    perUser: number,
    { total = Number.POSITIVE_INFINITY, waiting = perUser * WAITING_PER_SLOT } = {},
  ): Limit => ({ slots: new FairSlots({ total, perUser, waiting, waitMs: WAIT_MS }), noun, setting });
  return {
    user: limit("requests", "REQUESTS_PER_USER", config.requestsPerUser),
    address: limit("requests", "REQUESTS_PER_ADDRESS", config.requestsPerAddress),
    search: limit("searches", "SEARCHES_PER_USER", config.searchesPerUser, { total: maxSearches }),
    upload: limit("uploads", "UPLOADS_PER_USER", config.uploadsPerUser),
    stream: limit("event streams", "EVENT_STREAMS_PER_USER", config.eventStreamsPerUser, { waiting: 0 }),
  };
}

function refusal({ slots: { rules }, noun, setting }: Limit): DomainError {
  const message =
    `You have too many ${noun} at once: ${rules.perUser} run at a time (${setting}), and ${rules.waiting} can wait, ` +
    `for up to ${rules.waitMs / 1000} seconds. Wait for earlier ones to end.`;
  return new DomainError("too_many_requests", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function requestsOf({ user }: FastifyRequest): "user" | "address" {
  return user ? "user" : "address";
}

function kindOf(request: FastifyRequest, { config }: RouteOptions): Kind {
  if (isUpload(request)) return "upload";
  if (!isRead(request)) return "write";
  const isSearch = config?.search ? config.search === "always" : isFiltered(request);
  return isSearch ? "search" : "read";
}

/** The parsed query also has the defaults, so this looks at the URL. */
function isFiltered({ url }: FastifyRequest): boolean {
  const [, query = ""] = url.split("?");
  return new URLSearchParams(query).keys().some((name) => !PAGE_PARAMETERS.has(name));
}

/** Whether the request only reads, so that short time limits apply. */
export function isRead({ method }: FastifyRequest): boolean {
  return method === "GET" || method === "HEAD";
}
