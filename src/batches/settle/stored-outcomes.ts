import type { Tx } from "../../context.ts";
import type { DisplacedRow } from "../../targets/target.ts";
import type { ChunkKey } from "../batch-jobs.ts";
import type { CauseGroups } from "../cause-groups.ts";
import { newChunkCauses } from "../chunk-causes.ts";
import {
  addEffects,
  type EffectCounts,
  NO_EFFECTS,
  type RowOutcome,
  sortOutcomes,
  storeFailures,
  storeSuccesses,
} from "./store-results.ts";

export interface LockedChunk extends ChunkKey {
  readonly attempt: number;
  /** The first attempt of the current run. */
  readonly firstAttempt: number;
  readonly rowCount: number;
  /** When a worker took the chunk; absent: none did. */
  readonly takenAt?: string;
}

interface OutcomeRules {
  readonly retryAfterSeconds?: number | undefined;
  readonly maxRetries?: number;
}

/** Stores the outcomes of an attempt at a chunk, slice by slice, and counts them. Requires the lock on the chunk. */
export class StoredOutcomes {
  readonly #tx: Tx;
  readonly #chunk: LockedChunk;
  readonly #maxRetries: number;
  /** The number of attempts, including this one. */
  readonly attempts: number;
  #retryAfterSeconds: number | undefined;
  #counts = { succeeded: 0, failed: 0, retried: 0 };
  #effects = NO_EFFECTS;
  #displaced: DisplacedRow[] = [];
  readonly #causes = newChunkCauses();

  /**
   * @param retryAfterSeconds of an earlier turn of this attempt
   * @param maxRetries absent: ROW_MAX_RETRIES
   */
  constructor(
    tx: Tx,
    chunk: LockedChunk,
    { retryAfterSeconds, maxRetries = tx.config.rowMaxRetries }: OutcomeRules = {},
  ) {
    this.#tx = tx;
    this.#chunk = chunk;
    this.#maxRetries = maxRetries;
    this.#retryAfterSeconds = retryAfterSeconds;
    this.attempts = chunk.attempt - chunk.firstAttempt + 1;
  }

  get counts() {
    return this.#counts;
  }

  get effects(): EffectCounts {
    return this.#effects;
  }

  /** The rows whose records were taken by these rows. Their results have not changed yet. */
  get displaced(): readonly DisplacedRow[] {
    return this.#displaced;
  }

  /** The causes of the rows that failed. */
  get causes(): CauseGroups {
    return this.#causes;
  }

  /** The shortest time until the retry of the rows that failed for now. Undefined: none did. */
  get retryAfterSeconds(): number | undefined {
    return this.#retryAfterSeconds;
  }

  /** Counts rows that have created records, and whose results are stored already. */
  addCreated(created: number): void {
    this.#counts = { ...this.#counts, succeeded: this.#counts.succeeded + created };
    this.#effects = addEffects(this.#effects, { ...NO_EFFECTS, created });
  }

  /** May be repeated if it throws. */
  async store(outcomes: readonly RowOutcome[]): Promise<void> {
    const mayRetry = this.attempts <= this.#maxRetries;
    const { succeeded, failures, retried } = sortOutcomes(outcomes, this.attempts, mayRetry);
    const effects = await storeSuccesses(this.#tx, this.#chunk, succeeded);
    await storeFailures(this.#tx, this.#chunk, failures);
    this.#counts = {
      succeeded: this.#counts.succeeded + succeeded.length,
      failed: this.#counts.failed + failures.length,
      retried: this.#counts.retried + retried.length,
    };
    this.#effects = addEffects(this.#effects, effects);
    this.#causes.addEach(failures);
    this.#displaced.push(...succeeded.flatMap(({ displaces }) => displaces ?? []));
    for (const { afterSeconds } of retried)
      this.#retryAfterSeconds = Math.max(this.#retryAfterSeconds ?? 0, afterSeconds);
  }
}
