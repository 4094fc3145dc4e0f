import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";

/** Failed logins allowed in a window, counted in the database, so for all API processes together. */
const WINDOW_SECONDS = 600;
const FAILURES_PER_USER = 10;
/** Higher, since a whole office can share an address. */
const FAILURES_PER_ADDRESS = 50;

export interface LoginThrottle {
  /** @throws DomainError `too_many_attempts` */
  check(username: string, address: string): Promise<void>;
  failed(username: string, address: string): Promise<void>;
  succeeded(username: string): Promise<void>;
}

export function loginThrottle({ pool }: Pick<Context, "pool">): LoginThrottle {
  const limiter = (keyPrefix: string, points: number) =>
    new RateLimiterPostgres({
      storeClient: pool,
      storeType: "pool",
      tableName: "rate_limits",
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix,
      points,
      duration: WINDOW_SECONDS,
    });
  const byUser = limiter("login-user", FAILURES_PER_USER);
  const byAddress = limiter("login-address", FAILURES_PER_ADDRESS);
  const key = (username: string) => username.trim().normalize("NFC").toLowerCase().slice(0, 150);
  const count = (limiter: RateLimiterPostgres, of: string) =>
    limiter.consume(of).catch((reason: unknown) => {
      // Over the limit: the next check says so.
      if (!(reason instanceof RateLimiterRes)) throw reason;
    });
  return {
    async check(username, address) {
      const [user, client] = await Promise.all([byUser.get(key(username)), byAddress.get(address)]);
      const waitMs = Math.max(msLeft(user, FAILURES_PER_USER), msLeft(client, FAILURES_PER_ADDRESS));
      if (waitMs === 0) return;
      const minutes = Math.ceil(waitMs / 60_000);
      throw new DomainError(
        "too_many_attempts",
        `Too many failed logins. Try again in ${minutes} minute(s).`,
        {
          retryAfterSeconds: waitMs / 1000,
        },
      );
    },
    async failed(username, address) {
      await Promise.all([count(byUser, key(username)), count(byAddress, address)]);
    },
    async succeeded(username) {
      await byUser.delete(key(username));
    },
  };
}

function msLeft(used: RateLimiterRes | null, allowed: number): number {
  return used && used.consumedPoints >= allowed ? used.msBeforeNext : 0;
}
