/** The ids of history entries that the feed has had: 2 MB. */
const MAX_IDS = 20_000;

/** Remembers the latest ids. All that are not larger than a forgotten one count as seen. */
export class SeenIds {
  readonly #ids = new Set<string>();
  #forgotten = 0n;

  has(id: string): boolean {
    return this.#ids.has(id) || BigInt(id) <= this.#forgotten;
  }

  add(id: string): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (oldest === undefined || this.#ids.size <= MAX_IDS) return;
    this.#ids.delete(oldest);
    const number = BigInt(oldest);
    if (number > this.#forgotten) this.#forgotten = number;
  }
}
