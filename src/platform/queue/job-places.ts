/** The places in which a process takes jobs of a kind: closed and opened again while jobs are still in hand. */

/** What a place is to the queue's library, by an id. */
export interface Taking {
  /** As many places as there are, each of which takes one job after the other. */
  openAll(): Promise<string[]>;
  /** One place more. */
  open(): Promise<string>;
  /** Takes no more; resolves when the job in hand has ended. */
  close(id: string): Promise<void>;
  /** Something that takes nothing, for as long as places change. */
  keep(): Promise<string>;
}

interface Place {
  id: string | null;
  isSettling: boolean;
}

/**
 * Each place is closed and opened by itself, so that a job in hand that lasts for hours holds up only its own, and there
 * are never more jobs in hand than places. Meanwhile something else holds on to the library's count of jobs by group,
 * which it would throw away with the last place that is open, however many jobs are still in hand.
 */
export class JobPlaces {
  readonly #taking: Taking;
  readonly #onError: (error: unknown) => void;
  readonly #places: Place[];
  #mustBeOpen = false;
  #isStopped = false;
  #keeper: Promise<string> | null = null;

  /** They are closed. */
  constructor(count: number, taking: Taking, onError: (error: unknown) => void) {
    this.#taking = taking;
    this.#onError = onError;
    this.#places = Array.from({ length: count }, () => ({ id: null, isSettling: true }));
  }

  /** Opens them all at once, unless they are to stay closed. @throws where the library opens none */
  async start(mustBeOpen: boolean): Promise<void> {
    this.#mustBeOpen = mustBeOpen;
    const ids = mustBeOpen ? await this.#taking.openAll() : [];
    for (const [index, place] of this.#places.entries()) {
      place.id = ids[index] ?? null;
      place.isSettling = false;
    }
    // It may have been changed meanwhile.
    this.set(this.#mustBeOpen);
  }

  /** Returns at once. Places that are open already, or closed, stay as they are. */
  set(mustBeOpen: boolean): void {
    this.#mustBeOpen = mustBeOpen;
    for (const place of this.#places) this.#settle(place).catch(this.#onError);
  }

  /** What is in hand is ended by the library. */
  stop(): void {
    this.#isStopped = true;
  }

  async #settle(place: Place): Promise<void> {
    if (place.isSettling) return;
    place.isSettling = true;
    try {
      while (this.#isWrong(place)) await this.#change(place);
    } finally {
      place.isSettling = false;
      if (this.#places.every(({ isSettling }) => !isSettling)) this.#release();
    }
  }

  async #change(place: Place): Promise<void> {
    if (place.id === null) {
      place.id = await this.#taking.open();
      return;
    }
    this.#keeper ??= this.#taking.keep();
    await this.#keeper;
    await this.#taking.close(place.id);
    place.id = null;
  }

  #isWrong({ id }: Place): boolean {
    return !this.#isStopped && (id !== null) !== this.#mustBeOpen;
  }

  #release(): void {
    const keeper = this.#keeper;
    this.#keeper = null;
    keeper?.then((id) => this.#taking.close(id)).catch(this.#onError);
  }
}
