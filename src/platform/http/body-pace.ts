/** Ends requests whose body arrives too slowly. A slow honest line passes; a byte per second does not. */
import type { IncomingMessage } from "node:http";
import { DomainError } from "../../errors.ts";

export interface PaceRules {
  /** The minimum average rate of an upload. */
  readonly minBytesPerSecond: number;
  /** The time for a whole body that is not an upload. */
  readonly timeoutSeconds: number;
}

const TICK_MS = 1000;
/** An upload can pause for this time before its rate counts. */
const GRACE_SECONDS = 30;
/** A refused client that still sends is disconnected after this time or this many bytes. */
const DRAIN_MS = 5000;
const DRAIN_BYTES = 16 * 2 ** 20;

export class BodyPace {
  readonly #rules: PaceRules;
  readonly #arriving = new Set<ArrivingBody>();
  readonly #timer: NodeJS.Timeout;
  #tickedAt = performance.now();

  constructor(rules: PaceRules) {
    this.#rules = rules;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** @param isUpload whether a minimum rate applies instead of a time limit */
  watch(raw: IncomingMessage, isUpload: boolean): ArrivingBody {
    const body = new ArrivingBody(raw, isUpload, this.#rules);
    this.#arriving.add(body);
    return body;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    // A busy process must not count its own delay against the clients.
    const seconds = Math.min(now - this.#tickedAt, 2 * TICK_MS) / 1000;
    this.#tickedAt = now;
    for (const body of this.#arriving) if (!body.check(seconds)) this.#arriving.delete(body);
  }
}

export class ArrivingBody {
  readonly #raw: IncomingMessage;
  readonly #isUpload: boolean;
  readonly #rules: PaceRules;
  readonly #refusal = new AbortController();
  /** Time that the client may still waste. */
  #secondsLeft: number;
  #bytesRead: number;
  #drain: { secondsLeft: number; bytesLeft: number } | null = null;

  constructor(raw: IncomingMessage, isUpload: boolean, rules: PaceRules) {
    this.#raw = raw;
    this.#isUpload = isUpload;
    this.#rules = rules;
    this.#secondsLeft = isUpload ? GRACE_SECONDS : rules.timeoutSeconds;
    this.#bytesRead = raw.socket.bytesRead;
  }

  /** Aborts with a DomainError as soon as the body is too slow. */
  get signal(): AbortSignal {
    return this.#refusal.signal;
  }

  /** The answer has been sent: the rest of the body is discarded for a moment, so that the client can read the answer. */
  answered(): void {
    this.#raw.unpipe();
    this.#raw.resume();
    this.#drain = { secondsLeft: DRAIN_MS / 1000, bytesLeft: DRAIN_BYTES };
  }

  /** @returns whether the body is still arriving */
  check(seconds: number): boolean {
    const raw = this.#raw;
    if (raw.complete || raw.destroyed || raw.socket.destroyed) return false;
    const bytes = raw.socket.bytesRead - this.#bytesRead;
    this.#bytesRead += bytes;
    if (this.#drain) {
      this.#drain.secondsLeft -= seconds;
      this.#drain.bytesLeft -= bytes;
      if (this.#drain.secondsLeft < 0 || this.#drain.bytesLeft < 0) raw.destroy();
    } else if (!this.signal.aborted && waitsForClient(raw)) {
      this.#secondsLeft -= seconds;
      if (this.#isUpload) {
        const earned = bytes / this.#rules.minBytesPerSecond;
        this.#secondsLeft = Math.min(GRACE_SECONDS, this.#secondsLeft + earned);
      }
      if (this.#secondsLeft < 0) this.#refusal.abort(this.#tooSlow());
    }
    return true;
  }

  #tooSlow(): DomainError {
    const { minBytesPerSecond, timeoutSeconds } = this.#rules;
    const message = this.#isUpload
      ? `The file arrives with fewer than ${minBytesPerSecond} bytes per second (UPLOAD_MIN_BYTES_PER_SECOND). Send it again on a faster connection.`
      : `The body did not arrive within ${timeoutSeconds} seconds (BODY_TIMEOUT_SECONDS). Send it again.`;
    return new DomainError("too_slow", message);
  }
}

/** Whether the server is reading and has nothing to read. If it is busy, the client is not at fault. */
function waitsForClient(raw: IncomingMessage): boolean {
  const isRead = raw.readableFlowing === true || raw.listenerCount("readable") > 0;
  return isRead && raw.readableLength === 0;
}

/**
 * Unlike `for await` over the iterator itself, leaves it open when the loop ends early, so that it can be continued.
 * @param signal of the body that the iterator reads
 * @throws the reason of `signal` when it aborts
 */
export async function* untilEnd<T>(parts: AsyncIterator<T>, signal?: AbortSignal): AsyncGenerator<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  for (;;) {
    const next = await Promise.race([parts.next(), aborted]);
    if (next.done) return;
    yield next.value;
  }
}
