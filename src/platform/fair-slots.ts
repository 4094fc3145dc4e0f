/** Slots that users share fairly: each has a limit of its own, and free slots go to the waiting users in turn. */

export interface SlotRules {
  /** For all users together. */
  readonly total: number;
  readonly perUser: number;
  /** Requests of one user that may wait for a slot. */
  readonly waiting: number;
  readonly waitMs: number;
}

/** There was no slot: too many requests wait already, or waiting took too long. */
export class NoSlot extends Error {
  override name = "NoSlot";
}

interface Waiter {
  readonly start: () => void;
}

class User {
  running = 0;
  readonly waiters = new Set<Waiter>();
}

export class FairSlots {
  readonly rules: SlotRules;
  /** In the order of their next turn. Users without requests are removed. */
  readonly #users = new Map<string, User>();
  #running = 0;

  constructor(rules: SlotRules) {
    this.rules = rules;
  }

  /**
   * Waits for a slot, which is free again when the result is disposed of.
   * @param signalOf called if the request must wait
   * @throws NoSlot; the reason of the signal if it aborts before
   */
  async take(name: string, signalOf: () => AbortSignal): Promise<Disposable> {
    const user = this.#users.get(name) ?? new User();
    this.#users.set(name, user);
    if (this.#hasSlot(user)) this.#start(name, user);
    else await this.#wait(name, user, signalOf());
    return {
      [Symbol.dispose]: () => {
        this.#running -= 1;
        user.running -= 1;
        this.#endTurn(name, user);
        this.#startNext();
        this.#forget(name, user);
      },
    };
  }

  /** Whether somebody waits for a slot. */
  get isWanted(): boolean {
    return this.#users.values().some(({ waiters }) => waiters.size > 0);
  }

  #hasSlot(user: User): boolean {
    return this.#running < this.rules.total && user.running < this.rules.perUser;
  }

  #start(name: string, user: User): void {
    this.#running += 1;
    user.running += 1;
    this.#endTurn(name, user);
  }

  #endTurn(name: string, user: User): void {
    this.#users.delete(name);
    this.#users.set(name, user);
  }

  async #wait(name: string, user: User, signal: AbortSignal): Promise<void> {
    if (signal.aborted || user.waiters.size >= this.rules.waiting) {
      this.#forget(name, user);
      throw signal.aborted ? signal.reason : new NoSlot();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { start: resolve };
    const giveUp = (reason: unknown) => {
      user.waiters.delete(waiter);
      this.#forget(name, user);
      reject(reason);
    };
    const onAbort = () => giveUp(signal.reason);
    const timer = setTimeout(() => giveUp(new NoSlot()), this.rules.waitMs);
    signal.addEventListener("abort", onAbort, { once: true });
    user.waiters.add(waiter);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #startNext(): void {
    for (const [name, user] of this.#users) {
      const [waiter] = user.waiters;
      if (!waiter || !this.#hasSlot(user)) continue;
      user.waiters.delete(waiter);
      this.#start(name, user);
      waiter.start();
      return;
    }
  }

  #forget(name: string, user: User): void {
    if (user.running === 0 && user.waiters.size === 0) this.#users.delete(name);
  }
}
