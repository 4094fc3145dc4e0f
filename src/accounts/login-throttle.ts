import type { QueryConfig } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";

/** Failed logins are counted per window in the database, so that all API processes share the counters. */
const WINDOW_SECONDS = 600;
const FAILURES_PER_USER = 10;
/** Higher than per user: a whole office can share one address. */
const FAILURES_PER_ADDRESS = 50;

export interface LoginThrottle {
  /**
   * Counts an attempt. Call it before the password is verified: otherwise concurrent guesses escape the limit.
   * @throws DomainError `too_many_attempts`
   */
  countAttempt(username: string, address: string): Promise<void>;
  /** Takes back the attempt for the address, and resets the failures of the user. */
  recordSuccess(username: string, address: string): Promise<void>;
}

export function loginThrottle({ pool }: Pick<Context, "pool">): LoginThrottle {
  // Drop the names that the limiter gives its statements: PgBouncer in transaction mode cannot find them again.
  const storeClient = { query: ({ text, values }: QueryConfig) => pool.query(text, values) };
  const limiter = (keyPrefix: string, points: number) =>
    new RateLimiterPostgres({
      storeClient,
      storeType: "pool",
      schemaName: "rowmill",
      tableName: "rate_limits",
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix,
      points,
      duration: WINDOW_SECONDS,
    });
  const byUser = limiter("login-user", FAILURES_PER_USER);
  const byAddress = limiter("login-address", FAILURES_PER_ADDRESS);
  return {
    async countAttempt(username, address) {
      await Promise.all([byUser.consume(userKey(username)), byAddress.consume(address)]).catch(
        mapLimiterError,
      );
    },
    async recordSuccess(username, address) {
      await Promise.all([byUser.delete(userKey(username)), byAddress.reward(address)]);
    },
  };
}

function userKey(username: string): string {
  return username.trim().normalize("NFC").toLowerCase().slice(0, 150);
}

function mapLimiterError(reason: unknown): never {
  if (!(reason instanceof RateLimiterRes)) throw reason;
  const minutes = Math.ceil(reason.msBeforeNext / 60_000);
  throw new DomainError("too_many_attempts", `Too many failed logins. Try again in ${minutes} minute(s).`, {
    retryAfterSeconds: reason.msBeforeNext / 1000,
  });
}
