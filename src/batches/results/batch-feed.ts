/** Batches that are watched live: one read a change, however many watch. */
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { formatEvent } from "../../platform/http/sse.ts";
import type { NotifyListener } from "../../platform/notify-listener.ts";
import { BATCH_CHANNEL } from "../notify-batch.ts";
import { getBatch, type StoredBatch, viewBatch } from "../queries.ts";
import { hasEnded } from "../state.ts";
import { batchVersion } from "./batch-version.ts";

/** At most four a second. */
const INTERVAL_MS = 250;
/** Without a notification, as a net under everything that changes a batch and forgets to tell. */
const RECHECK_MS = 15_000;
const RETRY_MS = 1000;

/** What a watcher gets each time that the batch is read; the same version may come again. */
export interface News {
  readonly version: string;
  /** The event that shows it. */
  readonly event: string;
  /** The event behind it, where the batch has ended. */
  readonly end: string | null;
}

/** null: no more news will come, the batch was removed or the program ends. */
export type Watcher = (news: News | null) => void;

/** What the last event of a batch that has ended is known by. */
export const endIdOf = (version: string) => `${version}.end`;

export class BatchFeed {
  readonly #ctx: Context;
  readonly #listener: NotifyListener;
  readonly #watched = new Map<string, WatchedBatch>();
  #stopListening: (() => void) | null = null;

  constructor(ctx: Context, listener: NotifyListener) {
    this.#ctx = ctx;
    this.#listener = listener;
  }

  /** The first news come at once. The caller has made sure whose batch it is. @returns what ends it */
  watch(batch: Pick<StoredBatch, "id" | "userId">, watcher: Watcher): () => void {
    this.#stopListening ??= this.#listener.listen(BATCH_CHANNEL, (id) => this.#changed(id));
    const watched = this.#watched.get(batch.id) ?? new WatchedBatch(this.#ctx, batch);
    this.#watched.set(batch.id, watched);
    watched.watchers.add(watcher);
    watched.refresh();
    return () => {
      watched.watchers.delete(watcher);
      if (watched.watchers.size > 0) return;
      watched.close();
      if (this.#watched.get(batch.id) === watched) this.#watched.delete(batch.id);
    };
  }

  close(): void {
    this.#stopListening?.();
    for (const watched of this.#watched.values()) watched.tell(null);
  }

  #changed(id: string | null): void {
    if (id !== null) this.#watched.get(id)?.refresh();
    else for (const watched of this.#watched.values()) watched.refresh();
  }
}

class WatchedBatch {
  readonly watchers = new Set<Watcher>();
  readonly #ctx: Context;
  readonly #batch: Pick<StoredBatch, "id" | "userId">;
  readonly #recheck: NodeJS.Timeout;
  #next: NodeJS.Timeout | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #isReading = false;
  /** Told of a change while a read was under way that may not have seen it. */
  #isStale = false;
  #isClosed = false;

  constructor(ctx: Context, batch: Pick<StoredBatch, "id" | "userId">) {
    this.#ctx = ctx;
    this.#batch = batch;
    this.#recheck = setInterval(() => this.refresh(), RECHECK_MS).unref();
  }

  /** Reads the batch as soon as the last read is long enough ago. */
  refresh(): void {
    if (this.#isReading) this.#isStale = true;
    else this.#readIn(this.#readAt + INTERVAL_MS - performance.now());
  }

  tell(news: News | null): void {
    for (const watcher of this.watchers) watcher(news);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#recheck);
    if (this.#next) clearTimeout(this.#next);
  }

  #readIn(ms: number): void {
    if (this.#isClosed) return;
    this.#next ??= setTimeout(() => void this.#read(), Math.max(0, ms));
  }

  async #read(): Promise<void> {
    this.#next = null;
    this.#isReading = true;
    this.#isStale = false;
    this.#readAt = performance.now();
    try {
      this.tell(newsOf(await getBatch(this.#ctx, this.#batch.userId, this.#batch.id), this.#ctx.now()));
    } catch (error) {
      if (error instanceof DomainError && error.code === "not_found") {
        this.tell(null);
      } else {
        this.#ctx.log.warn({ err: error, batchId: this.#batch.id }, "a watched batch could not be read");
        this.#readIn(RETRY_MS);
      }
    } finally {
      this.#isReading = false;
    }
    if (this.#isStale) this.refresh();
  }
}

function newsOf(batch: StoredBatch, now: Date): News {
  const data = viewBatch(batch, now);
  const version = batchVersion(data);
  return {
    version,
    event: formatEvent({ event: "batch", id: version, data }),
    end: hasEnded(batch.state) ? formatEvent({ event: "end", id: endIdOf(version), data }) : null,
  };
}
