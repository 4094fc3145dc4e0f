/**
 * Bounds the memory of answers, from the read of their data until the client has received them. Without this bound, clients
 * that ask for long pages and do not read them fill the memory of the process.
 */
import { DomainError } from "../../errors.ts";
import { leaveGarbage } from "../process/garbage.ts";

/** A request that finds no memory waits this long. */
const MAX_WAIT_MS = 10_000;
const CHECK_MS = 500;
const RETRY_AFTER_SECONDS = 5;
/** An owner who already uses memory gets no more than a third of it, and nothing of the last quarter. */
const SHARE = 1 / 3;
const SHARED = 3 / 4;

/** How fast a client takes its answer. */
export class Progress {
  #sentBytes = 0;
  #waitedMs = 0;
  #waitingSince: number | null = null;

  /** A piece of the answer waits for the client. */
  offer(): void {
    this.#waitingSince ??= performance.now();
  }

  taken(bytes: number): void {
    if (this.#waitingSince !== null) this.#waitedMs += performance.now() - this.#waitingSince;
    this.#waitingSince = null;
    this.#sentBytes += bytes;
  }

  /** Whether the server has waited for the client for at least ten seconds, and got rid of less than 32 KB per second. */
  get isSlow(): boolean {
    if (this.#waitingSince === null) return false;
    const seconds = (this.#waitedMs + performance.now() - this.#waitingSince) / 1000;
    return seconds > MIN_SECONDS && this.#sentBytes < seconds * MIN_BYTES_PER_SECOND;
  }
}

const MIN_SECONDS = 10;
const MIN_BYTES_PER_SECOND = 32_768;

/** The client that an answer is for. */
export interface Receiver {
  /** The user or the address that the memory counts for. */
  readonly owner: string;
  readonly progress: Progress;
  disconnect(): void;
}

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

  open(receiver: Receiver): Hold {
    return new Hold(this, receiver);
  }

  reserve(hold: Hold, wanted: number): Promise<void> {
    // A single answer above the limit gets all of the memory.
    const bytes = Math.min(wanted, this.#maxBytes);
    this.set(hold, 0);
    return new Promise((admit, refuse) => {
      this.#waiting.add({ hold, bytes, admit, refuse, until: performance.now() + MAX_WAIT_MS });
      this.#admit();
      if (this.#waiting.size > 0) this.#check ??= setInterval(() => this.#relieve(), CHECK_MS).unref();
    });
  }

  /** @returns false if there is no memory now */
  tryGrow(hold: Hold, bytes: number): boolean {
    const used = this.#usedBy(hold.receiver.owner);
    if (bytes - hold.bytes > this.#freeFor(used, bytes - hold.bytes)) return false;
    this.set(hold, bytes);
    return true;
  }

  /** Changes the bytes of a hold without waiting. */
  set(hold: Hold, bytes: number): void {
    hold.bytes = bytes;
    if (bytes > 0) this.#holds.add(hold);
    else this.#holds.delete(hold);
    this.#admit();
  }

  /** Frees the memory of a hold. If it waits for memory, it no longer does. */
  free(hold: Hold): void {
    for (const waiting of this.#waiting) {
      if (waiting.hold !== hold) continue;
      this.#waiting.delete(waiting);
      waiting.refuse(disconnected());
    }
    this.set(hold, 0);
  }

  #usedBy(owner?: string): number {
    let used = 0;
    for (const hold of this.#holds)
      if (owner === undefined || hold.receiver.owner === owner) used += hold.bytes;
    return used;
  }

  /** The bytes that an owner who uses `used` may have in addition. */
  #freeFor(used: number, wanted: number): number {
    const all = this.#usedBy();
    if (used === 0) return this.#maxBytes - all;
    return used + wanted > this.#maxBytes * SHARE ? 0 : this.#maxBytes * SHARED - all;
  }

  /** Admits the requests of owners who use the least memory first, each owner's in the order of their arrival. */
  #admit(): void {
    for (let isAdmitted = this.#waiting.size > 0; isAdmitted; ) {
      isAdmitted = false;
      const queue = [...this.#waiting]
        .map((waiting) => ({ waiting, used: this.#usedBy(waiting.hold.receiver.owner) }))
        .sort((a, b) => a.used - b.used);
      for (const { waiting, used } of queue) {
        if (waiting.bytes > this.#freeFor(used, waiting.bytes)) {
          // Short answers do not overtake a long one of an owner who uses nothing, or it would wait for ever.
          if (used === 0) break;
          continue;
        }
        this.#waiting.delete(waiting);
        waiting.hold.bytes = waiting.bytes;
        this.#holds.add(waiting.hold);
        waiting.admit();
        isAdmitted = true;
        break;
      }
    }
  }

  /** Disconnects slow clients, and refuses requests that have waited too long. */
  #relieve(): void {
    for (const { receiver, bytes } of this.#holds) {
      if (!receiver.progress.isSlow) continue;
      receiver.disconnect();
      leaveGarbage(bytes);
    }
    const now = performance.now();
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
    `Other long answers use the memory for answers (ANSWER_MEMORY_BYTES, ${maxBytes} bytes; a third of it per user). ` +
    "Read your answers completely, and try again in a moment.";
  return new DomainError("unavailable", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** The memory of one answer. */
export class Hold {
  readonly receiver: Receiver;
  bytes = 0;
  readonly #memory: AnswerMemory;
  #isClosed = false;

  constructor(memory: AnswerMemory, receiver: Receiver) {
    this.#memory = memory;
    this.receiver = receiver;
  }

  /** Waits for memory, instead of the memory reserved before. @throws DomainError `unavailable` after ten seconds */
  async reserve(bytes: number): Promise<void> {
    if (this.#isClosed) throw disconnected();
    await this.#memory.reserve(this, bytes);
  }

  /** The answer has this size. */
  set(bytes: number): void {
    if (!this.#isClosed) this.#memory.set(this, bytes);
  }

  /** Uses at least this many bytes from now on. @returns false if there is no memory */
  tryGrow(bytes: number): boolean {
    return bytes <= this.bytes || this.#memory.tryGrow(this, bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#memory.free(this);
  }
}
