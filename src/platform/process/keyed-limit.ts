import pLimit, { type LimitFunction } from "p-limit";

/** Limits how many functions run and wait at the same time per key, in this process. */
export class KeyedLimit {
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #limits = new Map<string, LimitFunction>();

  constructor(concurrency: number, maxWaiting: number) {
    this.#concurrency = concurrency;
    this.#maxWaiting = maxWaiting;
  }

  /** Runs `fn` when it is its turn. Throws `refusal()` if too many are waiting already. */
  async run<T>(key: string, refusal: () => Error, fn: () => Promise<T>): Promise<T> {
    const limit = this.#limits.get(key) ?? pLimit(this.#concurrency);
    if (limit.pendingCount >= this.#maxWaiting) throw refusal();
    this.#limits.set(key, limit);
    try {
      return await limit(fn);
    } finally {
      if (limit.activeCount + limit.pendingCount === 0) this.#limits.delete(key);
    }
  }
}
