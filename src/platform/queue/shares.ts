/**
 * Decides whose job a worker takes next, for one kind of job. Users take turns: a user with nothing running comes before
 * all others, then the user who has the fewest jobs running. One place is only for users with nothing running.
 */

interface Limits {
  /** Jobs that run at the same time, of all users together. */
  readonly places: number;
  /** The places that are free only for users with nothing running. */
  readonly reserved: number;
  /** Jobs of one user that run or rest at the same time. */
  readonly perUser: number;
}

/** How long a search without a result is not repeated, as a multiple of the time that it took. */
const REPEAT_AFTER = 20;
const REPEAT_AFTER_MS = 200;

/** A search for a job of any user who is not in `ignored`. */
export interface Search {
  readonly ignored: readonly string[];
  readonly key: string;
}

export class Shares {
  readonly #limits: Limits;
  readonly #running = new Map<string, number>();
  /** Jobs that wait for a simulated delay. They hold no place, but count for their user. */
  readonly #resting = new Map<string, number>();
  /** The users who have had their turn in the current round. */
  readonly #served = new Set<string>();
  /** Searches without a result, with the moment until which they are not repeated. */
  readonly #empty = new Map<string, number>();
  #taken = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get hasFreePlace(): boolean {
    return this.#taken < this.#limits.places;
  }

  /** Returns the searches to try, one after the other. */
  searches(now: number): Search[] {
    if (!this.hasFreePlace) return [];
    const { places, reserved, perUser } = this.#limits;
    const users = new Set([...this.#running.keys(), ...this.#resting.keys()]);
    const counts = [...new Set([...users].map((user) => this.#countOf(user)))].sort((a, b) => a - b);
    const atLeast = (count: number) => [...users].filter((user) => this.#countOf(user) >= count);
    const sets = [[...new Set([...users, ...this.#served])], [...users]];
    if (this.#taken < places - reserved) {
      for (const count of counts) sets.push(atLeast(Math.min(perUser, count + 1)));
    }
    const searches = sets.map((ignored) => ({ ignored, key: ignored.toSorted().join() }));
    const isFirst = ({ key }: Search, index: number) =>
      searches.findIndex((other) => other.key === key) === index;
    return searches.filter(isFirst).filter(({ key }) => (this.#empty.get(key) ?? 0) <= now);
  }

  /** Remembers that a search has found nothing. */
  foundNothing({ ignored, key }: Search, now: number, tookMs: number): void {
    // Nobody waits who has not had a turn, so the next round begins.
    if ([...this.#served].every((user) => ignored.includes(user))) this.#served.clear();
    this.#empty.set(key, now + Math.max(REPEAT_AFTER_MS, REPEAT_AFTER * tookMs));
  }

  /** Repeats all searches, because new jobs may wait. */
  mayHaveNew(): void {
    this.#empty.clear();
  }

  /** Takes a place for jobs of these users, which run one after the other. */
  start(...users: readonly (string | null)[]): void {
    this.#taken++;
    for (const user of new Set(users)) {
      if (user === null) continue;
      add(this.#running, user, 1);
      this.#served.add(user);
    }
  }

  /** Frees a place. @param user the user of its last job */
  end(user: string | null): void {
    this.#taken--;
    this.leave(user);
  }

  /** Counts the user no more for a place in which only jobs of others are left. */
  leave(user: string | null): void {
    if (user !== null) add(this.#running, user, -1);
  }

  rest(user: string): void {
    add(this.#resting, user, 1);
  }

  endRest(user: string): void {
    add(this.#resting, user, -1);
  }

  #countOf(user: string): number {
    return (this.#running.get(user) ?? 0) + (this.#resting.get(user) ?? 0);
  }
}

function add(counts: Map<string, number>, user: string, change: number): void {
  const count = (counts.get(user) ?? 0) + change;
  if (count > 0) counts.set(user, count);
  else counts.delete(user);
}
