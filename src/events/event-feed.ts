/** One reader per process for all of its watchers. It stops a moment after the last watcher has gone. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { batchStates } from "./batch-states.ts";
import { type EventFilter, type EventSource, type LifeEvent, matches } from "./life-event.ts";
import { StateEvents } from "./state-events.ts";
import { TaskEvents } from "./task-events.ts";
import { WorkerEvents } from "./worker-events.ts";
import { workflowStates } from "./workflow-states.ts";

const READ_MS = 500;
/** After the database could not be read. */
const RETRY_MS = 2000;
/** The events that one watcher gets from one read: 200 per second. */
export const MAX_PER_READ = 100;
/** The latest events, for watchers that reconnect or pause: about 1 MB. */
const MAX_RECENT = 2000;
/** The time in which a watcher can reconnect without missing events. */
const LINGER_MS = 10_000;
const MAX_WATCHERS = 50;

export interface Received {
  readonly events: readonly { readonly id: string; readonly event: LifeEvent }[];
  /** How many events were left out before these; null: an unknown number. */
  readonly skipped: number | null;
  /** The id of the last event that was sent or left out. */
  readonly lastId: string;
}

export interface Watcher {
  readonly filter: EventFilter;
  /** Whether the watcher takes events now. Those that it misses meanwhile count as left out. */
  readonly isReady: () => boolean;
  /** Called once without events when the feed begins. */
  readonly receive: (received: Received) => void;
  /** Called when the program ends. */
  readonly end: () => void;
}

interface Watching extends Watcher {
  /** The number of the next event. */
  next: number;
  skipped: number | null;
  hasBegun: boolean;
}

export class EventFeed {
  readonly #ctx: Context;
  readonly #watchers = new Set<Watching>();
  #recent: LifeEvent[] = [];
  /** The number of the first recent event. */
  #first = 0;
  /** Numbers of another reader mean other events. */
  #reader = "";
  #running: Promise<void> | null = null;
  #closing = new AbortController();
  #leftAt = 0;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /**
   * @param lastId the id of the last event that the watcher has received
   * @returns a function that stops watching
   * @throws DomainError `unavailable` if there are too many watchers
   */
  watch(watcher: Watcher, lastId?: string): () => void {
    if (this.#watchers.size >= MAX_WATCHERS) {
      const message = `This process has ${MAX_WATCHERS} watchers of events, which is the limit. Close one, or try again later.`;
      throw new DomainError("unavailable", message, { retryAfterSeconds: 10 });
    }
    const next = this.#after(lastId);
    const isResumed = lastId === undefined || next !== null;
    const watching = {
      ...watcher,
      next: next ?? this.#end,
      skipped: isResumed ? 0 : null,
      hasBegun: false,
    };
    this.#watchers.add(watching);
    this.#running ??= this.#run();
    return () => {
      if (this.#watchers.delete(watching)) this.#leftAt = performance.now();
    };
  }

  async close(): Promise<void> {
    for (const watcher of this.#watchers) watcher.end();
    this.#closing.abort();
    await this.#running;
  }

  get #end(): number {
    return this.#first + this.#recent.length;
  }

  /** Returns the number of the event after this one; null if events between were forgotten. */
  #after(lastId: string | undefined): number | null {
    const [reader, number] = lastId?.split("_") ?? [];
    const next = Number(number) + 1;
    return reader === this.#reader && next >= this.#first && next <= this.#end ? next : null;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const reads = { ...this.#ctx, ...this.#ctx.reads };
    const sources: EventSource[] = [
      new TaskEvents(reads),
      new StateEvents(reads, batchStates),
      new StateEvents(reads, workflowStates),
      new WorkerEvents(this.#ctx, reads),
    ];
    this.#reader = randomUUID();
    try {
      for (let hasStarted = false; !signal.aborted && this.#isWatched; ) {
        const work = hasStarted ? this.#read(sources) : Promise.all(sources.map((source) => source.start()));
        const [outcome] = await Promise.allSettled([work]);
        if (outcome.status === "fulfilled") hasStarted = true;
        else
          this.#ctx.log.warn({ err: outcome.reason }, "cannot read the events that clients watch; retrying");
        if (hasStarted) for (const watcher of this.#watchers) this.#deliver(watcher);
        const pauseMs = outcome.status === "fulfilled" ? READ_MS : RETRY_MS;
        await sleep(pauseMs, undefined, { signal }).catch(() => {}); // Closed meanwhile.
      }
    } finally {
      for (const source of sources) source.close();
      this.#first = this.#end;
      this.#recent = [];
      this.#reader = "";
      this.#running = null;
    }
  }

  get #isWatched(): boolean {
    return this.#watchers.size > 0 || performance.now() < this.#leftAt + LINGER_MS;
  }

  /** A source that fails does not lose the events of the others. @throws the error of such a source */
  async #read(sources: readonly EventSource[]): Promise<void> {
    const settled = await Promise.allSettled(
      sources.map(async (source) => ({ kind: source.kind, ...(await source.read()) })),
    );
    const reads = settled.filter((read) => read.status === "fulfilled").map(({ value }) => value);
    const events = reads.flatMap((read) => read.events);
    this.#recent.push(...events.toSorted((a, b) => a.at.getTime() - b.at.getTime()));
    const forgotten = this.#recent.splice(0, Math.max(0, this.#recent.length - MAX_RECENT));
    for (const watcher of this.#watchers) {
      for (const { kind, unread } of reads)
        if (watcher.filter.kinds?.has(kind) ?? true) skip(watcher, unread);
      const missed = forgotten.slice(Math.max(0, watcher.next - this.#first));
      skip(watcher, missed.filter((event) => matches(watcher.filter, event)).length);
      watcher.next = Math.max(watcher.next, this.#first + forgotten.length);
    }
    this.#first += forgotten.length;
    for (const read of settled) if (read.status === "rejected") throw read.reason;
  }

  #deliver(watcher: Watching): void {
    if (!watcher.isReady()) return;
    const matching = this.#recent
      .map((event, at) => ({ id: this.#idOf(this.#first + at), event }))
      .slice(watcher.next - this.#first)
      .filter(({ event }) => matches(watcher.filter, event));
    // The latest ones: a watcher of a busy server sees what happens now.
    const events = matching.slice(-MAX_PER_READ);
    skip(watcher, matching.length - events.length);
    const { skipped, hasBegun } = watcher;
    watcher.next = this.#end;
    watcher.skipped = 0;
    watcher.hasBegun = true;
    if (hasBegun && events.length === 0 && skipped === 0) return;
    watcher.receive({ events, skipped, lastId: this.#idOf(this.#end - 1) });
  }

  #idOf(number: number): string {
    return `${this.#reader}_${number}`;
  }
}

function skip(watcher: Watching, count: number): void {
  if (watcher.skipped !== null) watcher.skipped += count;
}
