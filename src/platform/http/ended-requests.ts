/** Observes requests until they have ended, in whichever way. */
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { routeTemplate } from "./route-template.ts";
import { EVENT_STREAM } from "./sse.ts";

/** The client disconnected before the answer. */
const CLIENT_CLOSED_REQUEST = 499;

export interface EndedRequest {
  /** When the request ended, in milliseconds since 1970. */
  readonly at: number;
  readonly requestId: string;
  readonly method: string;
  /** The template of the path, such as `/api/v1/batches/{batch_id}`; undefined: no route serves the path. */
  readonly route: string | undefined;
  readonly status: number;
  /** null for event streams, which are open as long as their clients like. */
  readonly ms: number | null;
  readonly userId: number | null;
  readonly address: string;
  /** Bytes on the connection, with headers. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Calls `onEnd` when the answer has been sent, or the client has disconnected. */
export function observeRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  now: () => Date,
  onEnd: (request: EndedRequest) => void,
): void {
  const startedAt = performance.now();
  const { ip } = request;
  // Also emitted if the client disconnects, unlike `finish`, on which the hook onResponse relies.
  reply.raw.once("close", () => {
    const { statusCode, writableFinished } = reply.raw;
    const isEventStream = String(reply.getHeader("content-type")).startsWith(EVENT_STREAM);
    const { read, written } = takeTraffic(request.raw.socket);
    onEnd({
      at: now().getTime(),
      requestId: request.id,
      method: request.method,
      route: routeTemplate(request.routeOptions.url),
      status: writableFinished || written > 0 ? statusCode : CLIENT_CLOSED_REQUEST,
      ms: isEventStream ? null : Math.round((performance.now() - startedAt) * 100) / 100,
      userId: request.login?.user.id ?? null,
      address: ip,
      requestBytes: read,
      responseBytes: written,
    });
  });
}

interface Traffic {
  read: number;
  written: number;
}

/** The traffic of earlier requests on the same connection. */
const earlier = new WeakMap<Socket, Traffic>();

/** Returns the bytes since the last call. */
function takeTraffic(socket: Socket): Traffic {
  // Requests that a test injects have no connection.
  const total = { read: socket.bytesRead || 0, written: socket.bytesWritten || 0 };
  const before = earlier.get(socket);
  earlier.set(socket, total);
  return before ? { read: total.read - before.read, written: total.written - before.written } : total;
}
