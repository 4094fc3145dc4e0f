/** Server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { PassThrough } from "node:stream";
import type { FastifyReply } from "fastify";
import type { Hold } from "./answer-memory.ts";

export const EVENT_STREAM = "text/event-stream";

export interface ServerEvent {
  readonly event: string;
  /** A client that reconnects sends this as `Last-Event-ID`. */
  readonly id: string;
  readonly data: unknown;
}

/** Proxies and browsers close connections that are silent for about a minute. */
const HEARTBEAT_MS = 15_000;
/** Shorter events do not count towards the memory of answers. */
const SMALL_EVENT = 16_384;
/** A disconnected client reconnects after this time. */
const RETRY_MS = 2000;

export function formatEvent({ event, id, data }: ServerEvent): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A stream whose events replace earlier ones: a client that reads slowly gets the newest event, not all of them. */
export class EventStream {
  readonly #body = new PassThrough();
  /** The event to send once the client reads again. */
  #newest = "";
  #isFull = false;
  #writtenLength = 0;
  readonly #hold: Hold | null;

  /** @param hold the memory of the answer */
  constructor({
    heartbeatMs = HEARTBEAT_MS,
    hold = null,
  }: { heartbeatMs?: number; hold?: Hold | null } = {}) {
    this.#hold = hold;
    // Written at once, so that the client receives the headers and knows that it is connected.
    this.#body.write(`retry: ${RETRY_MS}\n\n`);
    this.#body.on("drain", () => {
      this.#isFull = false;
      hold?.receiver.progress.taken(this.#writtenLength);
      if (this.#newest) this.send(this.#newest);
    });
    const heartbeat = setInterval(() => {
      if (!this.#isFull) this.send(": heartbeat\n\n");
    }, heartbeatMs);
    this.onClose(() => clearInterval(heartbeat));
  }

  /** @param text one event, or several that belong together, from formatEvent */
  send(text: string): void {
    if (this.#body.writableEnded || this.#body.destroyed) return;
    // The client reconnects later, when there may be memory.
    if (text.length > SMALL_EVENT && this.#hold?.tryGrow(text.length) === false) {
      this.#body.destroy();
      return;
    }
    this.#newest = this.#isFull ? text : "";
    if (this.#isFull) return;
    this.#isFull = !this.#body.write(text);
    this.#writtenLength = text.length;
    if (this.#isFull) this.#hold?.receiver.progress.offer();
  }

  /** Closes the stream after the newest event. Later calls of `send` do nothing. */
  end(): void {
    if (!this.#body.writableEnded) this.#body.end(this.#newest);
  }

  /** Disconnects the client. */
  destroy(): void {
    this.#body.destroy();
  }

  /** Whether the client has not read the last event yet. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Calls `fn` each time that the client has read the last event. */
  onDrain(fn: () => void): void {
    this.#body.on("drain", fn);
  }

  /** Calls `fn` when the stream ends or the client disconnects. */
  onClose(fn: () => void): void {
    this.#body.once("close", fn);
  }

  answer(reply: FastifyReply): FastifyReply {
    return reply
      .type(EVENT_STREAM)
      .header("cache-control", "no-cache, no-transform")
      .header("x-accel-buffering", "no")
      .send(this.#body);
  }
}
