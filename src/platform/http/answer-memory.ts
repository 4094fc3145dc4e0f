/**
 * Bounds the memory of answers, from the read of their data until the client has received them. Without this bound, clients
 * that ask for long pages and do not read them fill the memory of the process.
 */
import { DomainError } from "../../errors.ts";

/** A request that finds no memory waits this long. */
const MAX_WAIT_MS = 10_000;
/** While others wait for memory, a client that takes longer than this for its answer, or for a page of it, is disconnected. */
const SLOW_MS = 10_000;
const CHECK_MS = 500;
const RETRY_AFTER_SECONDS = 5;
/** One owner can use at most this part of the memory, so that others always find some. */
const OWNERS = 2;

interface Waiting {
  readonly hold: Hold;
  readonly bytes: number;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
  readonly until: number;
}

export class AnswerMemory {
  readonly #maxBytes: number;
  readonly #holds = new Set<Hold>();
  readonly #waiting = new Set<Waiting>();
  #check: NodeJS.Timeout | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @param owner the user or the address that the memory counts for
   * @param disconnect ends the connection of a client that reads too slowly
   */
  open(owner: string, disconnect: () => void): Hold {
    return new Hold(this, owner, disconnect);
  }

  /** @throws DomainError `unavailable` if there is no memory for ten seconds */
  reserve(hold: Hold, wanted: number): Promise<void> {
    // A single answer above the limit gets all of the memory.
    const bytes = Math.min(wanted, this.#maxBytes);
    this.set(hold, 0);
    if (hold.isClosed) return Promise.reject(disconnected());
    return new Promise((admit, refuse) => {
      this.#waiting.add({ hold, bytes, admit, refuse, until: performance.now() + MAX_WAIT_MS });
      this.#admit();
      if (this.#waiting.size > 0) this.#check ??= setInterval(() => this.#relieve(), CHECK_MS).unref();
    });
  }

  /** Changes the bytes of a hold without waiting. */
  set(hold: Hold, wanted: number): void {
    const bytes = hold.isClosed ? 0 : wanted;
    hold.bytes = bytes;
    if (bytes > 0) this.#holds.add(hold);
    else this.#holds.delete(hold);
    this.#admit();
  }

  tryGrow(hold: Hold, bytes: number): boolean {
    const added = bytes - hold.bytes;
    if (this.#usedBy() + added > this.#maxBytes) return false;
    if (this.#usedBy(hold.owner) + added > this.#maxBytes / OWNERS) return false;
    this.set(hold, bytes);
    return true;
  }

  /** Ends a hold, also if it still waits. */
  close(hold: Hold): void {
    for (const waiting of this.#waiting) {
      if (waiting.hold !== hold) continue;
      this.#waiting.delete(waiting);
      waiting.refuse(disconnected());
    }
    hold.isClosed = true;
    this.set(hold, 0);
  }

  #usedBy(owner?: string): number {
    let used = 0;
    for (const hold of this.#holds) if (owner === undefined || hold.owner === owner) used += hold.bytes;
    return used;
  }

  /** Admits requests in the order of arrival, those of owners who use the least memory first. */
  #admit(): void {
    if (this.#waiting.size === 0) return;
    const queue = [...this.#waiting]
      .map((waiting) => ({ waiting, used: this.#usedBy(waiting.hold.owner) }))
      .sort((a, b) => a.used - b.used);
    let free = this.#maxBytes - this.#usedBy();
    const admitted = new Set<string>();
    for (const { waiting, used } of queue) {
      const { hold, bytes } = waiting;
      // The next check admits the others: their owner now uses more.
      if (admitted.has(hold.owner)) continue;
      if (used > 0 && used + bytes > this.#maxBytes / OWNERS) continue;
      if (bytes > free) break;
      admitted.add(hold.owner);
      free -= bytes;
      this.#waiting.delete(waiting);
      hold.bytes = bytes;
      this.#holds.add(hold);
      waiting.admit();
    }
    if (admitted.size > 0) this.#admit();
  }

  /** Disconnects slow clients, and refuses requests that have waited too long. */
  #relieve(): void {
    const now = performance.now();
    for (const hold of this.#holds) if (now - hold.sendingSince > SLOW_MS) hold.disconnect();
    for (const waiting of this.#waiting) {
      if (now < waiting.until) continue;
      this.#waiting.delete(waiting);
      waiting.refuse(noMemory(this.#maxBytes));
    }
    if (this.#waiting.size > 0 || !this.#check) return;
    clearInterval(this.#check);
    this.#check = null;
  }
}

function disconnected(): DomainError {
  return new DomainError("unavailable", "The client has disconnected.");
}

function noMemory(maxBytes: number): DomainError {
  const message =
    `Other large answers use the memory for answers (ANSWER_MEMORY_BYTES, ${maxBytes} bytes; half of it per user). ` +
    "Read your answers completely, and try again in a moment.";
  return new DomainError("unavailable", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** The memory of one answer. */
export class Hold {
  readonly owner: string;
  readonly disconnect: () => void;
  bytes = 0;
  isClosed = false;
  /** When the client was given something to read that it has not received completely. */
  sendingSince = Number.POSITIVE_INFINITY;
  readonly #memory: AnswerMemory;

  constructor(memory: AnswerMemory, owner: string, disconnect: () => void) {
    this.#memory = memory;
    this.owner = owner;
    this.disconnect = disconnect;
  }

  /** Waits for memory, instead of the memory reserved before. @throws DomainError `unavailable` after ten seconds */
  reserve(bytes: number): Promise<void> {
    this.sendingSince = Number.POSITIVE_INFINITY;
    return this.#memory.reserve(this, bytes);
  }

  /** The answer, or a part of it, is ready and has this size. */
  sending(bytes = this.bytes): void {
    this.sendingSince = performance.now();
    this.#memory.set(this, bytes);
  }

  /** The client has received everything so far. */
  received(): void {
    this.sendingSince = Number.POSITIVE_INFINITY;
  }

  /** Uses at least this many bytes from now on. @returns false if there is no memory */
  tryGrow(bytes: number): boolean {
    return bytes <= this.bytes || this.#memory.tryGrow(this, bytes);
  }

  close(): void {
    this.#memory.close(this);
  }
}
