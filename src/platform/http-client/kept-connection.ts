import type { Dispatcher } from "undici";
import type { EgressRules } from "./destination.ts";
import { openGuardedAgent } from "./guarded-agent.ts";
import {
  MAX_ANSWER_BYTES,
  type OutgoingRequest,
  type ReceivedAnswer,
  type SendLimits,
  sendThrough,
} from "./send-request.ts";

/** The connection ended before an answer came. */
const CLOSED = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/**
 * Sends requests of one owner to one endpoint, one after the other over one connection. Its address was checked when it was
 * opened, and is not looked up again: close it after a short time.
 */
export class KeptConnection implements AsyncDisposable {
  readonly #rules: EgressRules;
  readonly #agent: Promise<Dispatcher>;
  /** The connections that were opened so far. */
  #opened = 0;

  constructor(rules: EgressRules) {
    this.#rules = rules;
    this.#agent = openGuardedAgent(rules, MAX_ANSWER_BYTES, () => this.#opened++);
  }

  /**
   * An endpoint can close a connection that rests just when the next request is sent. Such a request is sent once more, over a new connection.
   * @throws as `sendRequest`
   */
  async send(
    request: OutgoingRequest,
    limits: Pick<SendLimits, "timeoutMs" | "keepBytes">,
    signal: AbortSignal,
  ): Promise<ReceivedAnswer> {
    const opened = this.#opened;
    const startedAt = performance.now();
    try {
      return await sendThrough(await this.#agent, this.#rules, request, limits, signal);
    } catch (error) {
      const leftMs = limits.timeoutMs - Math.round(performance.now() - startedAt);
      if (opened === 0 || this.#opened > opened || !isClosed(error) || leftMs <= 0) throw error;
      return sendThrough(await this.#agent, this.#rules, request, { ...limits, timeoutMs: leftMs }, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const agent = await this.#agent;
    await agent.destroy();
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && "code" in error && CLOSED.has(String(error.code));
}
