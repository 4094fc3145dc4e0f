import type { QueryConfig } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { clientNetwork } from "../platform/http/client-network.ts";

const WINDOW_SECONDS = 3600;

/**
 * Counts a signup, of all API processes together.
 * @param address the IP address of the client
 * @throws DomainError `too_many_attempts`
 */
export async function countSignup({ config, pool }: Context, address: string): Promise<void> {
  const { signupsPerHour } = config;
  if (signupsPerHour === Number.POSITIVE_INFINITY) return;
  const limiter = new RateLimiterPostgres({
    // Drop the names that the limiter gives its statements: PgBouncer in transaction mode cannot find them again.
    storeClient: { query: ({ text, values }: QueryConfig) => pool.query(text, values) },
    storeType: "pool",
    schemaName: "rowmill",
    tableName: "rate_limits",
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix: "signup",
    points: signupsPerHour,
    duration: WINDOW_SECONDS,
  });
  try {
    await limiter.consume(clientNetwork(address));
  } catch (reason) {
    if (!(reason instanceof RateLimiterRes)) throw reason;
    const minutes = Math.ceil(reason.msBeforeNext / 60_000);
    throw new DomainError(
      "too_many_attempts",
      `Your address can create ${signupsPerHour} accounts per hour (SIGNUPS_PER_HOUR). Try again in ${minutes} minute(s).`,
      { retryAfterSeconds: reason.msBeforeNext / 1000 },
    );
  }
}
