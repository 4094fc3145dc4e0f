import type pg from "pg";
import type { Log } from "../log.ts";

const COMPARE_EVERY_MS = 60_000;
/** A smaller difference is not corrected: it is about as long as a query can take. */
const TOLERATED_MS = 1000;

/** The time of the database. A process whose own clock is wrong would otherwise take work of others for lost. */
export class DatabaseClock implements Disposable {
  readonly #pool: pg.Pool;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #offsetMs = 0;

  static async open(pool: pg.Pool, log: Log): Promise<DatabaseClock> {
    const clock = new DatabaseClock(pool, log);
    await clock.#compare();
    return clock;
  }

  private constructor(pool: pg.Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#compare().catch((error) => log.debug({ err: error }, "could not read the time of the database"));
    }, COMPARE_EVERY_MS).unref();
  }

  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }

  async #compare(): Promise<void> {
    const before = Date.now();
    const { rows } = await this.#pool.query<{ ms: number }>(
      "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms",
    );
    const offsetMs = (rows[0]?.ms ?? before) - (before + Date.now()) / 2;
    this.#offsetMs = Math.abs(offsetMs) > TOLERATED_MS ? offsetMs : 0;
    if (this.#offsetMs !== 0) {
      const seconds = Math.round(offsetMs / 1000);
      this.#log.warn({ seconds }, "the clock of this machine is wrong; using the time of the database");
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
