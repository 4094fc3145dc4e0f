/** A standby of the database, for reads that may show a state of some seconds ago. */
import { LRUCache } from "lru-cache";
import type pg from "pg";
import type { Log } from "../log.ts";
import { type Database, databaseOn, isTransient, type RunQuery, withQuery } from "./database.ts";

/** How often the position of the standby is compared with that of the database. */
const COMPARE_MS = 500;
/** The users whose last change is remembered. */
const MAX_USERS = 10_000;

/** The end of the database's log at a moment. */
interface Position {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  /** The log sequence number, as text. */
  readonly lsn: string;
}

interface Reads {
  readonly db: Database;
  readonly pool: pg.Pool;
}

interface ReplicaOptions {
  /** The database itself. */
  readonly primary: pg.Pool;
  /** Connections to the database itself for reads that the standby cannot serve. Writes keep the others. */
  readonly fallback: pg.Pool;
  readonly standby: pg.Pool;
  readonly maxLagSeconds: number;
  readonly log: Log;
}

/** Reads go to the database itself while the standby is too far behind, and if the standby fails while it reads. */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #reads: Reads;
  /** User id to the moment of the last change. */
  readonly #changes = new LRUCache<number, number>({ max: MAX_USERS });
  readonly #timer: NodeJS.Timeout;
  /** The ends of the log that the standby has not reached, oldest first. */
  #ahead: Position[] = [];
  #isComparing = false;
  /** The standby shows everything that was committed before this moment. */
  #completeUntil = Number.NEGATIVE_INFINITY;
  #wasFresh: boolean | null = null;

  /** Resolves when it is known whether the standby can be used. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options);
    await replica.#compare();
    return replica;
  }

  private constructor(options: ReplicaOptions) {
    this.#options = options;
    const pool = this.#withFallback();
    this.#reads = { db: databaseOn(pool), pool };
    this.#timer = setInterval(() => void this.#compare(), COMPARE_MS).unref();
  }

  /**
   * Returns connections for reads of this user. Null: the standby is too far behind, or does not show the last change that
   * the user has made through this process.
   * @param userId null: Rowmill itself
   */
  readsFor(userId: number | null): Reads | null {
    const changedAt = (userId !== null && this.#changes.get(userId)) || Number.NEGATIVE_INFINITY;
    return this.#isFresh() && changedAt < this.#completeUntil ? this.#reads : null;
  }

  /**
   * Whether a read failed because of the standby, so that it is worth repeating on the database itself.
   * @param pool the connections that it used
   */
  hasFailed(pool: pg.Pool, error: unknown): boolean {
    return pool === this.#reads.pool && this.#hasFailed(error);
  }

  /** The user has changed something, and expects to see it in the next list. */
  noteChange(userId: number): void {
    this.#changes.set(userId, performance.now());
  }

  /** For metrics. */
  get pool(): pg.Pool {
    return this.#options.standby;
  }

  /** How old the state is that the standby shows. Infinite: it is not known. */
  get lagSeconds(): number {
    return (performance.now() - this.#completeUntil) / 1000;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#options.standby.end();
  }

  #isFresh(): boolean {
    return this.lagSeconds <= this.#options.maxLagSeconds;
  }

  /** The next reads do not wait for a standby that does not answer. */
  #hasFailed(error: unknown): boolean {
    if (!isTransient(error)) return false;
    this.#completeUntil = Number.NEGATIVE_INFINITY;
    this.#options.log.debug(
      { err: error },
      "a read on the standby failed; repeating it on the database itself",
    );
    return true;
  }

  async #compare(): Promise<void> {
    if (this.#isComparing) return;
    this.#isComparing = true;
    try {
      await this.#readPositions();
    } catch (error) {
      this.#options.log.debug({ err: error }, "could not compare the standby with the database");
    } finally {
      this.#isComparing = false;
    }
    this.#report();
  }

  async #readPositions(): Promise<void> {
    const { primary, standby, maxLagSeconds } = this.#options;
    const at = performance.now();
    const { rows: ends } = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
    // A standby that is further behind than this is not used, so older positions do not matter.
    const oldest = at - maxLagSeconds * 1000;
    this.#ahead = [...this.#ahead.filter((one) => one.at >= oldest), ...ends.map(({ lsn }) => ({ at, lsn }))];
    // A server that is no standby has replayed nothing: the comparison is null, and it is never used.
    const { rows: reached } = await standby.query<{ count: number }>(
      "SELECT count(*)::int FROM unnest($1::pg_lsn[]) AS ends (lsn) WHERE lsn <= pg_last_wal_replay_lsn()",
      [this.#ahead.map(({ lsn }) => lsn)],
    );
    const complete = this.#ahead.splice(0, reached[0]?.count ?? 0).at(-1);
    if (complete) this.#completeUntil = complete.at;
  }

  #report(): void {
    const isFresh = this.#isFresh();
    if (isFresh === this.#wasFresh) return;
    this.#wasFresh = isFresh;
    if (isFresh) this.#options.log.info("reading lists, reports and results from the standby");
    else
      this.#options.log.warn(
        { maxLagSeconds: this.#options.maxLagSeconds },
        "the standby (DATABASE_READ_URL) is too far behind, unreachable, or no standby; reading from the database itself",
      );
  }

  /**
   * The standby cancels reads that hold up its replay, and can end at any time. Reads have no effect, so they are repeated.
   * Transactions are not repeated here, but by `repeatedReads`.
   */
  #withFallback(): pg.Pool {
    const { fallback, standby } = this.#options;
    const query: RunQuery = async (config, values) => {
      if (!this.#isFresh()) return fallback.query(config, values);
      try {
        return await standby.query(config, values);
      } catch (error) {
        if (!this.#hasFailed(error)) throw error;
        return fallback.query(config, values);
      }
    };
    return withQuery(standby, query);
  }
}
