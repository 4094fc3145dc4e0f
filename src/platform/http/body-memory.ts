/** Bounds the memory of the request bodies that a process holds: of all requests together, and of one requester. */
import { DomainError } from "../../errors.ts";

/** One requester can hold this part of the memory, so that four are needed to exhaust it. */
const SHARES = 4;
const RETRY_AFTER_SECONDS = 5;

export class BodyMemory {
  #max: number;
  #maxPerHolder: number;
  readonly #held = new Map<string, number>();
  #total = 0;

  constructor(max: number) {
    this.#max = max;
    this.#maxPerHolder = max / SHARES;
  }

  /** Makes the share of one requester large enough for such a body, and all memory for two of them. */
  fit(bytes: number): void {
    this.#maxPerHolder = Math.max(this.#maxPerHolder, bytes);
    this.#max = Math.max(this.#max, this.#maxPerHolder * 2);
  }

  hold(holder: string): HeldBytes {
    return new HeldBytes((bytes) => this.#add(holder, bytes));
  }

  #add(holder: string, bytes: number): void {
    const held = (this.#held.get(holder) ?? 0) + bytes;
    if (bytes > 0 && held > this.#maxPerHolder) {
      const message =
        `Your unfinished requests hold more than ${this.#maxPerHolder} bytes of memory, a share of BODY_MEMORY_BYTES. ` +
        "Send fewer requests at once.";
      throw new DomainError("too_many_requests", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    if (bytes > 0 && this.#total + bytes > this.#max) {
      const message =
        `All unfinished requests together hold more than ${this.#max} bytes of memory (BODY_MEMORY_BYTES). ` +
        "Try again in a moment.";
      throw new DomainError("unavailable", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    this.#total += bytes;
    if (held > 0) this.#held.set(holder, held);
    else this.#held.delete(holder);
  }
}

export class HeldBytes {
  readonly #add: (bytes: number) => void;
  #bytes = 0;
  #isReleased = false;

  constructor(add: (bytes: number) => void) {
    this.#add = add;
  }

  /** Counts nothing after `release`, when streams may still pass on their last bytes. @throws DomainError if that is too much */
  add(bytes: number): void {
    if (this.#isReleased) return;
    this.#add(bytes);
    this.#bytes += bytes;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#add(-this.#bytes);
  }
}
