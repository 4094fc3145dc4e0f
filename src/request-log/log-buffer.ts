/** Entries of the request log that wait to be written. */
import type { EndedRequest } from "../platform/http/ended-requests.ts";
import type { Log } from "../platform/log.ts";
import { isTransient } from "../platform/postgres/database.ts";

/** @param dropped the requests that were not logged since the last call that succeeded */
type Write = (entries: readonly EndedRequest[], dropped: number) => Promise<void>;

const FLUSH_MS = 1000;
const FLUSH_ENTRIES = 1000;
/** About 10 seconds of a busy API. */
const MAX_ENTRIES = 10_000;
const MAX_BYTES = 4 * 2 ** 20;
/** The memory of an entry, without the texts that it does not share with others. */
const ENTRY_BYTES = 200;
const WARN_EVERY_MS = 60_000;
/** The end of the program waits this long for the last write. */
const CLOSE_MS = 2000;

/**
 * Writes entries in batches. If the database is slower than the requests, or unavailable, it keeps the entries for later,
 * and drops and counts those that exceed its bounds.
 */
export class LogBuffer {
  readonly #write: Write;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #entries: EndedRequest[] = [];
  #bytes = 0;
  /** Dropped entries that the database does not know of. */
  #dropped = 0;
  /** Dropped entries that no warning has counted. */
  #unwarned = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | null = null;
  #hasFailed = false;

  constructor(write: Write, log: Log, flushMs = FLUSH_MS) {
    this.#write = write;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), flushMs).unref();
  }

  add(entry: EndedRequest): void {
    const bytes = bytesOf(entry);
    if (this.#entries.length >= MAX_ENTRIES || this.#bytes + bytes > MAX_BYTES) {
      this.#drop(1);
      return;
    }
    this.#bytes += bytes;
    // After a failure, only the timer tries again.
    if (this.#entries.push(entry) >= FLUSH_ENTRIES && !this.#hasFailed) void this.flush();
  }

  /** Writes the entries so far, unless a write fails. */
  flush(): Promise<void> {
    this.#writing ??= this.#writeBatches().finally(() => {
      this.#writing = null;
      this.#warn();
    });
    return this.#writing;
  }

  /** Writes the last entries, or gives up after a moment. Later entries are ignored. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([this.#writeLast(), late]);
    clearTimeout(timer);
    this.#drop(this.#entries.length);
    this.#entries = [];
    this.#warnedAt = Number.NEGATIVE_INFINITY;
    this.#warn();
  }

  async #writeLast(): Promise<void> {
    await this.#writing;
    do await this.flush();
    while (this.#entries.length > 0 && !this.#hasFailed);
  }

  async #writeBatches(): Promise<void> {
    this.#hasFailed = false;
    if (this.#entries.length > 0 || this.#dropped > 0) await this.#writeBatch();
    // Entries that arrive meanwhile wait for the timer, so that a batch is never small because the database is fast.
    while (this.#entries.length >= FLUSH_ENTRIES && !this.#hasFailed) await this.#writeBatch();
  }

  async #writeBatch(): Promise<void> {
    // They stay in the buffer, and count, until they are written.
    const batch = this.#entries.slice(0, FLUSH_ENTRIES);
    const dropped = this.#dropped;
    try {
      await this.#write(batch, dropped);
      this.#dropped -= dropped;
      this.#remove(batch);
    } catch (error) {
      this.#hasFailed = true;
      this.#log.debug({ err: error }, "could not write the request log");
      if (isTransient(error)) return;
      this.#log.error({ err: error }, "the database refused entries of the request log");
      this.#remove(batch);
      this.#drop(batch.length);
    }
  }

  #remove(written: readonly EndedRequest[]): void {
    this.#entries.splice(0, written.length);
    for (const entry of written) this.#bytes -= bytesOf(entry);
  }

  #drop(entries: number): void {
    this.#dropped += entries;
    this.#unwarned += entries;
  }

  #warn(): void {
    const now = performance.now();
    if (this.#unwarned === 0 || now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#log.warn(
      { requests: this.#unwarned },
      "requests are missing from the request log: the database is too slow or unavailable",
    );
    this.#warnedAt = now;
    this.#unwarned = 0;
  }
}

function bytesOf({ requestId, address }: EndedRequest): number {
  return ENTRY_BYTES + requestId.length + address.length;
}
