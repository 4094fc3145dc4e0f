/** Limits the bytes that the parts of a process hold in memory together. */
export class ByteBudget {
  readonly #total: number;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** Waits until `bytes` are free. More than the total counts as the total, and waits until nothing else is held. */
  async take(bytes: number): Promise<Disposable> {
    const taken = Math.min(bytes, this.#total);
    const free = this.tryTake(taken);
    if (free) return free;
    await new Promise<void>((start) => this.#waiting.push({ bytes: taken, start }));
    return { [Symbol.dispose]: () => this.#free(taken) };
  }

  /** Returns null instead of waiting. */
  tryTake(bytes: number): Disposable | null {
    return this.has(bytes) ? this.exceed(bytes) : null;
  }

  has(bytes: number): boolean {
    return this.#waiting.length === 0 && this.#used + Math.min(bytes, this.#total) <= this.#total;
  }

  /** Takes bytes even if they are not free. */
  exceed(bytes: number): Disposable {
    const taken = Math.min(bytes, this.#total);
    this.#used += taken;
    return { [Symbol.dispose]: () => this.#free(taken) };
  }

  #free(bytes: number): void {
    this.#used -= bytes;
    for (let [next] = this.#waiting; next && this.#used + next.bytes <= this.#total; [next] = this.#waiting) {
      this.#waiting.shift();
      this.#used += next.bytes;
      next.start();
    }
  }
}
