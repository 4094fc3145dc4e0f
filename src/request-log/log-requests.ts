/** Logs each request of the API when it has ended. Requests never wait for the log. */
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { EVENT_STREAM } from "../platform/http/sse.ts";
import { type Entry, LogBuffer } from "./log-buffer.ts";
import { preparePartitions } from "./partitions.ts";
import { writeEntries } from "./write-entries.ts";

interface RequestLog {
  /** Logs the request when it ends. The hook does this; call it for requests for which Fastify runs no hooks. */
  observe(request: FastifyRequest, reply: FastifyReply): void;
  /** Observes the requests of the app. Call it before any hook that may answer. */
  follow(app: FastifyInstance): void;
}

/** The route of all requests that no route serves, so that the log has no path that a client made up. */
const UNKNOWN_ROUTE = "(unknown)";
/** Probes would be most of the requests of a quiet day. */
const PROBES: ReadonlySet<string> = new Set(["/livez", "/readyz"]);
/** The client disconnected before the answer. */
const CLIENT_CLOSED_REQUEST = 499;

export function openRequestLog(ctx: Context): RequestLog {
  if (!ctx.config.requestLog) return { observe() {}, follow() {} };
  const buffer = new LogBuffer((entries, dropped) => writeEntries(ctx, entries, dropped), ctx.log);
  const observe = (request: FastifyRequest, reply: FastifyReply) => {
    const startedAt = performance.now();
    const { ip } = request;
    // Also emitted if the client disconnects, unlike `finish`, on which the hook onResponse relies.
    reply.raw.once("close", () => {
      const entry = entryOf(request, reply, performance.now() - startedAt, ip, ctx.now());
      if (!PROBES.has(entry.route)) buffer.add(entry);
    });
  };
  return {
    observe,
    follow(app) {
      app.addHook("onRequest", (request, reply, done) => {
        observe(request, reply);
        done();
      });
      app.addHook("onListen", async () => {
        await preparePartitions(ctx).catch((error) =>
          ctx.log.warn({ err: error }, "could not create partitions of the request log"),
        );
      });
      app.addHook("onClose", () => buffer.close());
    },
  };
}

function entryOf(
  request: FastifyRequest,
  reply: FastifyReply,
  ms: number,
  address: string,
  now: Date,
): Entry {
  const { statusCode, writableFinished } = reply.raw;
  const isEventStream = String(reply.getHeader("content-type")).startsWith(EVENT_STREAM);
  const { read, written } = takeTraffic(request.raw.socket);
  return {
    at: now.getTime(),
    request_id: request.id,
    method: request.method,
    route: request.routeOptions.url ?? UNKNOWN_ROUTE,
    status: writableFinished || written > 0 ? statusCode : CLIENT_CLOSED_REQUEST,
    ms: isEventStream ? null : Math.round(ms * 100) / 100,
    user_id: request.login?.user.id ?? null,
    address,
    request_bytes: read,
    response_bytes: written,
  };
}

interface Traffic {
  read: number;
  written: number;
}

/** The traffic of earlier requests on the same connection. */
const earlier = new WeakMap<Socket, Traffic>();

/** Returns the bytes since the last call. */
function takeTraffic(socket: Socket): Traffic {
  const total = { read: socket.bytesRead || 0, written: socket.bytesWritten || 0 };
  const before = earlier.get(socket);
  earlier.set(socket, total);
  return before ? { read: total.read - before.read, written: total.written - before.written } : total;
}
