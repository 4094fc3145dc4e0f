/** Server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { PassThrough } from "node:stream";
import type { FastifyReply } from "fastify";

export interface ServerEvent {
  readonly event: string;
  /** What a client that was cut off sends as `Last-Event-ID`. */
  readonly id: string;
  readonly data: unknown;
}

/** Proxies and browsers drop connections that are silent for a minute or so. */
const HEARTBEAT_MS = 15_000;
/** After this time a client that was cut off comes back. */
const RETRY_MS = 2000;

export function formatEvent({ event, id, data }: ServerEvent): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Events of which each replaces the one before: a client that reads slowly gets the newest, not all of them. */
export class EventStream {
  readonly #body = new PassThrough();
  /** Told while the client does not read. */
  #newest = "";
  #isFull = false;

  constructor({ heartbeatMs = HEARTBEAT_MS } = {}) {
    // Sent at once, so that the client has the headers and knows that it is connected.
    this.#body.write(`retry: ${RETRY_MS}\n\n`);
    this.#body.on("drain", () => {
      this.#isFull = false;
      if (this.#newest) this.send(this.#newest);
    });
    const heartbeat = setInterval(() => {
      if (!this.#isFull) this.send(": heartbeat\n\n");
    }, heartbeatMs);
    this.onClose(() => clearInterval(heartbeat));
  }

  /** @param text of one event, or of some that belong together (formatEvent) */
  send(text: string): void {
    if (this.#body.writableEnded) return;
    this.#newest = this.#isFull ? text : "";
    if (!this.#isFull) this.#isFull = !this.#body.write(text);
  }

  /** Closes it once all is sent; nothing can be sent any more. */
  end(): void {
    if (!this.#body.writableEnded) this.#body.end(this.#newest);
  }

  /** Also where the client goes away. */
  onClose(fn: () => void): void {
    this.#body.once("close", fn);
  }

  answer(reply: FastifyReply): FastifyReply {
    return reply
      .type("text/event-stream")
      .header("cache-control", "no-cache, no-transform")
      .header("x-accel-buffering", "no")
      .send(this.#body);
  }
}
