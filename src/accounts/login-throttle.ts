import type { QueryConfig } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";

/** Failed logins allowed in a window, counted in the database, so for all API processes together. */
const WINDOW_SECONDS = 600;
const FAILURES_PER_USER = 10;
/** Higher, since a whole office can share an address. */
const FAILURES_PER_ADDRESS = 50;

export interface LoginThrottle {
  /**
   * Counts an attempt before its password is looked at, so that guesses sent side by side are counted too.
   * @throws DomainError `too_many_attempts`
   */
  begin(username: string, address: string): Promise<void>;
  /** Takes the attempt back, and forgets the user's failures. */
  succeeded(username: string, address: string): Promise<void>;
}

export function loginThrottle({ pool }: Pick<Context, "pool">): LoginThrottle {
  // The limiter names its statements: PgBouncer in transaction mode would not find them again.
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
    async begin(username, address) {
      await Promise.all([byUser.consume(userKey(username)), byAddress.consume(address)]).catch(explain);
    },
    async succeeded(username, address) {
      await Promise.all([byUser.delete(userKey(username)), byAddress.reward(address)]);
    },
  };
}

function userKey(username: string): string {
  return username.trim().normalize("NFC").toLowerCase().slice(0, 150);
}

function explain(reason: unknown): never {
  if (!(reason instanceof RateLimiterRes)) throw reason;
  const minutes = Math.ceil(reason.msBeforeNext / 60_000);
  throw new DomainError("too_many_attempts", `Too many failed logins. Try again in ${minutes} minute(s).`, {
    retryAfterSeconds: reason.msBeforeNext / 1000,
  });
}
