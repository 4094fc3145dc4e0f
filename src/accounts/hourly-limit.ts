import { sql } from "drizzle-orm";
import type { QueryConfig } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { Context } from "../context.ts";

const WINDOW_SECONDS = 3600;

export interface HourlyLimit {
  /** The purpose of the limit. */
  readonly name: string;
  /** Counted together. */
  readonly key: string;
  readonly perHour: number;
}

/** Counts one more, of all processes together. @returns the seconds until the next one is allowed; 0: this one is */
export async function countHourly(
  { pool }: Pick<Context, "pool">,
  { name, key, perHour }: HourlyLimit,
): Promise<number> {
  if (perHour === Number.POSITIVE_INFINITY) return 0;
  const limiter = new RateLimiterPostgres({
    // Drop the names that the limiter gives its statements: PgBouncer in transaction mode cannot find them again.
    storeClient: { query: ({ text, values }: QueryConfig) => pool.query(text, values) },
    storeType: "pool",
    schemaName: "rowmill",
    tableName: "rate_limits",
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix: name,
    points: perHour,
    duration: WINDOW_SECONDS,
  });
  try {
    await limiter.consume(key);
    return 0;
  } catch (reason) {
    if (!(reason instanceof RateLimiterRes)) throw reason;
    return reason.msBeforeNext / 1000;
  }
}

export async function removeOldLimits({ db }: Context): Promise<number> {
  const { rowCount } = await db.execute(
    sql`DELETE FROM rowmill.rate_limits WHERE expire < extract(epoch FROM now()) * 1000`,
  );
  return rowCount ?? 0;
}
