/** Joins calls that come close together, so that many of them cost one statement. */

/** A statement that takes longer does not hold back later calls. */
const SLOW_MS = 100;
/** Statements that run at a time. */
const MAX_RUNNING = 4;

interface GroupLimits<T> {
  /** The calls that one statement serves. */
  readonly maxItems: number;
  /** Absent: items are small. */
  readonly bytesOf?: (item: T) => number;
  /** The bytes of all items of a statement, unless there is only one. */
  readonly maxBytes?: number;
}

interface Call<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * While no statement runs, a call begins in the same turn of the event loop. Calls that arrive while a statement runs are
 * joined in the next one. If a statement fails because of its items, its halves are tried, so that an
 * item fails only if its own statement does.
 */
export class Grouped<T, R> {
  readonly #run: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #isShared: (error: unknown) => boolean;
  readonly #limits: GroupLimits<T>;
  #waiting: Call<T, R>[] = [];
  #running = 0;
  #isTaking = false;

  /**
   * @param run returns a result per item, in their order
   * @param isShared whether an error has nothing to do with the items, so that it would meet all of them
   */
  constructor(
    run: (items: readonly T[]) => Promise<readonly R[]>,
    isShared: (error: unknown) => boolean,
    limits: GroupLimits<T>,
  ) {
    this.#run = run;
    this.#isShared = isShared;
    this.#limits = limits;
  }

  add(item: T): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#waiting.push({ item, resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isTaking || this.#running >= MAX_RUNNING || this.#waiting.length === 0) return;
    this.#isTaking = true;
    setImmediate(() => void this.#runNext());
  }

  async #runNext(): Promise<void> {
    const { promise: isSlow, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SLOW_MS);
    this.#running++;
    const settling = this.#settle(this.#take()).then(() => {
      clearTimeout(timer);
      this.#running--;
    });
    await Promise.race([settling, isSlow]);
    this.#isTaking = false;
    this.#schedule();
    await settling;
    this.#schedule();
  }

  #take(): Call<T, R>[] {
    const { maxItems, bytesOf = () => 0, maxBytes = Number.POSITIVE_INFINITY } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { item } of this.#waiting) {
      bytes += bytesOf(item);
      if (count === maxItems || (count > 0 && bytes > maxBytes)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #settle(calls: readonly Call<T, R>[]): Promise<void> {
    try {
      const results = await this.#run(calls.map(({ item }) => item));
      for (const [index, { resolve }] of calls.entries()) resolve(results[index] as R);
    } catch (error) {
      if (calls.length === 1 || this.#isShared(error)) {
        for (const { reject } of calls) reject(error);
        return;
      }
      const middle = calls.length >> 1;
      await this.#settle(calls.slice(0, middle));
      await this.#settle(calls.slice(middle));
    }
  }
}
