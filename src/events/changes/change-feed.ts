/** Reads things that clients follow: each changed thing once, in sets, however many clients follow it. */
import { formatEvent } from "../../platform/http/sse.ts";
import type { Log } from "../../platform/log.ts";
import type { ChangeListener } from "../../platform/postgres/change-listener.ts";
import type { Found } from "../../platform/postgres/read-page.ts";

/** The shortest time between two reads of one thing: at most four events per second. */
const INTERVAL_MS = 250;
/** Reads also without a published change, in case a verb forgets to publish one. */
const RECHECK_MS = 15_000;
const RETRY_MS = 1000;
const MAX_PER_READ = 100;

interface Shown {
  readonly id: string;
  /** Equal states have equal versions. */
  readonly version: string;
  readonly data: unknown;
}

export interface ChangeSource {
  /** The name of the events. */
  readonly event: string;
  /** The channel on which changes are published, with the id of the thing. */
  readonly channel: string;
  /** Reads those of the things that exist, in the order of their ids. */
  readonly read: (ids: readonly string[]) => Promise<Found<Shown>>;
}

/** One state of a thing. */
export interface Change {
  readonly id: string;
  readonly version: string;
  /** The event with the data. */
  readonly event: string;
}

/** Called after each read, also if the version is the same. */
type Follower = (change: Change) => void;

export class ChangeFeed {
  readonly #source: ChangeSource;
  readonly #listener: ChangeListener;
  readonly #log: Log;
  readonly #followers = new Map<string, Set<Follower>>();
  /** The ids to read next. */
  readonly #stale = new Set<string>();
  #stopListening: (() => void) | null = null;
  #recheck: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #isReading = false;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(source: ChangeSource, { listener, log }: { listener: ChangeListener; log: Log }) {
    this.#source = source;
    this.#listener = listener;
    this.#log = log;
  }

  /** Calls the follower with the current states first. @returns a function that removes the follower */
  follow(ids: ReadonlySet<string>, follower: Follower): () => void {
    this.#stopListening ??= this.#listener.listen(this.#source.channel, (id) =>
      this.refresh(id === null ? this.#followers.keys() : [id]),
    );
    this.#recheck ??= setInterval(() => this.refresh(this.#followers.keys()), RECHECK_MS).unref();
    for (const id of ids) {
      const followers = this.#followers.get(id) ?? new Set();
      this.#followers.set(id, followers.add(follower));
    }
    this.refresh(ids);
    return () => {
      for (const id of ids) {
        const followers = this.#followers.get(id);
        if (followers?.delete(follower) && followers.size === 0) this.#followers.delete(id);
      }
      if (this.#followers.size === 0) this.#rest();
    };
  }

  /** Reads the things soon, if anybody follows them. */
  refresh(ids: Iterable<string>): void {
    for (const id of ids) if (this.#followers.has(id)) this.#stale.add(id);
    if (this.#stale.size > 0 && !this.#isReading)
      this.#readIn(this.#readAt + INTERVAL_MS - performance.now());
  }

  close(): void {
    this.#stopListening?.();
    this.#followers.clear();
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#recheck);
    clearTimeout(this.#next);
    this.#recheck = undefined;
    this.#next = undefined;
    this.#stale.clear();
  }

  #readIn(ms: number): void {
    this.#next ??= setTimeout(() => void this.#read(), Math.max(0, ms));
  }

  async #read(): Promise<void> {
    this.#next = undefined;
    this.#isReading = true;
    this.#readAt = performance.now();
    let ids = [...this.#stale].sort();
    this.#stale.clear();
    try {
      while (ids.length > 0) ids = ids.slice(await this.#readSome(ids.slice(0, MAX_PER_READ)));
    } catch (error) {
      this.#log.warn({ err: error }, "cannot read things that clients follow; retrying");
      for (const id of ids) this.#stale.add(id);
      this.#readAt += RETRY_MS;
    } finally {
      this.#isReading = false;
    }
    this.refresh([]);
  }

  /** @returns how many of the things it has read: fewer if they are long */
  async #readSome(ids: readonly string[]): Promise<number> {
    const { items, hasMore } = await this.#source.read(ids);
    const last = items.at(-1)?.id;
    const read = hasMore && last !== undefined ? ids.filter((id) => id <= last) : ids;
    const found = new Map(items.map((item) => [item.id, item]));
    for (const id of read) {
      const change = this.#changeOf(id, found.get(id));
      for (const follower of this.#followers.get(id) ?? []) follower(change);
    }
    return read.length;
  }

  #changeOf(id: string, shown: Shown | undefined): Change {
    const { event } = this.#source;
    const version = shown?.version ?? "deleted";
    const text = shown
      ? formatEvent({ event, id: version, data: shown.data })
      : formatEvent({ event: "deleted", id: version, data: { kind: event, id } });
    return { id, version, event: text };
  }
}
