/** Sets of short jobs: a worker takes them together, and runs them one after the other in one place. */

/** The jobs that a worker takes together. */
export const MAX_SET = 50;
/** The time that the jobs of a set are expected to take together. */
const SET_MS = 50;
/** A job counts as at least this long, so that a set stays small for the database as well. */
const MIN_JOB_MS = SET_MS / MAX_SET;
/** Jobs of a set that have waited for others for this long go back to the queue. */
const WAIT_MS = 200;
/** The part of its distance to shorter jobs that an expected duration keeps per job. */
const KEPT = 0.9;

/**
 * How long the jobs of each kind take. The longest one of the last jobs decides: a kind with long jobs runs in sets only
 * after some forty short ones.
 */
export class Durations {
  readonly #expected = new Map<string, number>();

  note(kind: string, ms: number): void {
    const before = this.#expected.get(kind) ?? 0;
    this.#expected.set(kind, ms >= before ? Math.min(ms, SET_MS) : before * KEPT + ms * (1 - KEPT));
  }

  /** Returns the number of jobs of this kind that run as one set. */
  sizeOf(kind: string | null): number {
    return Math.max(1, Math.floor(SET_MS / Math.max(MIN_JOB_MS, this.#expectedOf(kind))));
  }

  /** Returns the number of jobs, from the first one on, that can run as one set: at least one. @param kinds null: alone */
  countTogether(kinds: readonly (string | null)[]): number {
    let count = 0;
    let sum = 0;
    for (const kind of kinds) {
      sum += Math.max(MIN_JOB_MS, this.#expectedOf(kind));
      if (sum > SET_MS) break;
      count++;
    }
    return Math.max(1, count);
  }

  #expectedOf(kind: string | null): number {
    return (kind === null ? undefined : this.#expected.get(kind)) ?? Number.POSITIVE_INFINITY;
  }
}

/** The turns of the jobs of a set. A job that is alone gets its turn at once. */
export class JobSet {
  readonly size: number;
  readonly #durations: Durations;
  readonly #waiting: ((hasTurn: boolean) => void)[] = [];
  #isBusy = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(size: number, durations: Durations) {
    this.size = size;
    this.#durations = durations;
  }

  /**
   * Does the work of a job when its turn has come.
   * @param isLong whether jobs with this result are long, however little time they took
   * @returns null if the job must go back to the queue, because others took too long
   */
  async inTurn<T>(
    kind: string | null,
    work: () => Promise<T>,
    isLong: (result: T) => boolean,
  ): Promise<{ readonly result: T } | null> {
    if (!(await this.#enter())) return null;
    const startedAt = performance.now();
    let ms: number | null = null;
    try {
      const result = await work();
      if (isLong(result)) ms = SET_MS;
      return { result };
    } finally {
      if (ms !== null) this.#sendBack();
      if (kind !== null) this.#durations.note(kind, ms ?? performance.now() - startedAt);
      this.#leave();
    }
  }

  /** Jobs that wait for their turn go back to the queue. */
  #sendBack(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const answer of this.#waiting.splice(0)) answer(false);
  }

  async #enter(): Promise<boolean> {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return true;
    }
    this.#timer ??= setTimeout(() => this.#sendBack(), WAIT_MS);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push(resolve);
    return promise;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (this.#waiting.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (next) next(true);
    else this.#isBusy = false;
  }
}
