/** Collects the ids that a channel publishes, until they are read. NOTIFY delivers them in the order of the commits. */
import type { ChangeListener } from "../platform/postgres/change-listener.ts";

/** The ids that are kept between two reads: 80 kB. */
const MAX_IDS = 2000;

export interface Changed {
  readonly ids: readonly string[];
  /** Whether changes may have been missed, so that the reader must look for them. */
  readonly isIncomplete: boolean;
  /** The number of changes that did not fit. */
  readonly dropped: number;
}

export class ChangedIds {
  #ids = new Set<string>();
  #isIncomplete = false;
  #dropped = 0;
  readonly close: () => void;

  constructor(listener: ChangeListener, channel: string) {
    this.close = listener.listen(channel, (id) => this.#add(id));
  }

  /** Passes the collected ids to `read`. If it fails, the next read gets them again. */
  async take<T>(read: (changed: Changed) => Promise<T>): Promise<T> {
    const taken = { ids: [...this.#ids], isIncomplete: this.#isIncomplete, dropped: this.#dropped };
    this.#ids = new Set();
    this.#isIncomplete = false;
    this.#dropped = 0;
    try {
      return await read(taken);
    } catch (error) {
      this.#isIncomplete ||= taken.isIncomplete;
      this.#dropped += taken.dropped;
      for (const id of taken.ids) this.#add(id);
      throw error;
    }
  }

  #add(id: string | null): void {
    if (id === null) this.#isIncomplete = true;
    else if (this.#ids.size < MAX_IDS) this.#ids.add(id);
    else if (!this.#ids.has(id)) this.#dropped++;
  }
}
