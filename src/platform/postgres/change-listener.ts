/** Receives the changes that processes publish, with LISTEN on one connection per process. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Config } from "../../config/config.ts";
import type { Log } from "../log.ts";
import { connectionLimits } from "./database.ts";

/** Receives the payload of a change. null: changes may have been missed, so anything may have changed. */
export type ChangeHandler = (payload: string | null) => void;

/** While no connection listens, handlers are called with null at this interval. */
const POLL_MS = 1000;
/** A connection that breaks silently is noticed within twice this time. */
const CHECK_MS = 5000;
const MAX_BACKOFF_MS = 10_000;

/** Connects when the first handler is added, and reconnects whenever the connection is lost. */
export class ChangeListener {
  readonly #config: Pick<Config, "databaseUrl">;
  readonly #hasSessions: boolean;
  readonly #log: Log;
  readonly #handlers = new Map<string, Set<ChangeHandler>>();
  /** The channels that the current connection listens to. */
  readonly #subscribed = new Set<string>();
  readonly #closing = new AbortController();
  #client: pg.Client | null = null;
  #running: Promise<void> | null = null;
  #lastQuery: Promise<unknown> = Promise.resolve();
  #polling: NodeJS.Timeout | undefined;

  /** @param hasSessions whether LISTEN works; if not, handlers are called with null every second */
  constructor(config: Pick<Config, "databaseUrl">, hasSessions: boolean, log: Log) {
    this.#config = config;
    this.#hasSessions = hasSessions;
    this.#log = log;
  }

  /** Whether a connection listens. While none does, handlers are called with null every second. */
  get isListening(): boolean {
    return this.#client !== null;
  }

  /** Whether this process receives every change of the channel. */
  isListeningTo(channel: string): boolean {
    return this.isListening && this.#subscribed.has(channel);
  }

  /** @returns a function that removes the handler */
  listen(channel: string, handler: ChangeHandler): () => void {
    const known = this.#handlers.get(channel);
    const handlers = known ?? new Set();
    this.#handlers.set(channel, handlers.add(handler));
    if (!known && this.#client) this.#subscribeLate(this.#client, channel);
    this.#start();
    return () => handlers.delete(handler);
  }

  /** Calls the handlers of this process only. */
  wake(channel: string, payload: string | null): void {
    for (const handler of this.#handlers.get(channel) ?? []) handler(payload);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#polling);
    // An attempt to connect ends without being awaited.
    if (this.isListening) await this.#running;
  }

  #start(): void {
    if (this.#polling || this.#closing.signal.aborted) return;
    this.#polling = setInterval(() => {
      if (!this.isListening) this.#wakeAll();
    }, POLL_MS).unref();
    if (this.#hasSessions) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures++) {
      const client = new pg.Client({
        connectionString: this.#config.databaseUrl,
        application_name: "rowmill-listen",
        ...connectionLimits,
        query_timeout: CHECK_MS,
      });
      try {
        await this.#listenOn(client);
      } catch (error) {
        if (this.isListening) failures = 0;
        const reason = error instanceof Error && error.name === "AbortError" ? error.cause : error;
        if (!signal.aborted) this.#log.warn({ err: reason }, "lost the listening connection; reconnecting");
      }
      this.#client = null;
      this.#subscribed.clear();
      await client.end().catch(() => {}); // It may be gone already.
      const backoffMs = Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures);
      await sleep(backoffMs, undefined, { signal, ref: false }).catch(() => {}); // Closed meanwhile.
    }
  }

  /** Listens until the connection is lost or `close` is called, and then throws. */
  async #listenOn(client: pg.Client): Promise<never> {
    const lost = new AbortController();
    client.on("error", (error) => lost.abort(error));
    client.on("end", () => lost.abort(new Error("The connection was ended.")));
    client.on("notification", ({ channel, payload }) => this.wake(channel, payload ?? ""));
    await client.connect();
    for (const channel of this.#handlers.keys()) await this.#subscribe(client, channel);
    this.#client = client;
    // Changes that were published before are lost.
    this.#wakeAll();
    const signal = AbortSignal.any([lost.signal, this.#closing.signal]);
    for (;;) {
      await sleep(CHECK_MS, undefined, { signal, ref: false });
      await this.#query(client, "SELECT 1");
    }
  }

  async #subscribe(client: pg.Client, channel: string): Promise<void> {
    await this.#query(client, `LISTEN ${client.escapeIdentifier(channel)}`);
    this.#subscribed.add(channel);
  }

  #subscribeLate(client: pg.Client, channel: string): void {
    this.#subscribe(client, channel).then(
      // Changes that were published before are lost.
      () => {
        if (!this.#closing.signal.aborted) this.wake(channel, null);
      },
      // The connection is lost, or did not answer in time. The next connection listens to the channel.
      () => client.end().catch(() => {}), // It may be gone already.
    );
  }

  /** One statement at a time: pg 9 no longer queues them. */
  #query(client: pg.Client, statement: string): Promise<unknown> {
    const result = this.#lastQuery.then(() => client.query(statement));
    this.#lastQuery = result.catch(() => {}); // The caller gets the error.
    return result;
  }

  #wakeAll(): void {
    for (const channel of this.#handlers.keys()) this.wake(channel, null);
  }
}
