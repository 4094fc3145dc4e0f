/** Caches verified passwords for clients that send them with every request: argon2 is too slow to run each time. */
import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Context } from "../context.ts";
import type { PasswordLogin } from "../platform/http/auth.ts";
import { logIn, wrongLogin } from "./log-in.ts";
import { type Account, findByName } from "./queries.ts";

const MAX_REMEMBERED = 10_000;
const REMEMBERED_MS = 5 * 60_000;

/** The account and the hash that a password was verified against. */
type Verified = Pick<Account, "id" | "passwordHash">;

/** @returns a login function that needs one query if the same credentials were verified before and are still valid */
export function rememberedLogins(ctx: Context): (login: PasswordLogin) => Promise<Account> {
  const secret = randomBytes(32);
  // A keyed hash, so that a memory dump of this process does not reveal passwords.
  const keyOf = ({ username, password }: PasswordLogin) =>
    createHmac("sha256", secret).update(`${username}\0${password}`).digest("base64");
  const remembered = new LRUCache<string, Verified, PasswordLogin>({
    max: MAX_REMEMBERED,
    ttl: REMEMBERED_MS,
    // Return the outcome of a login even if its cache entry was evicted meanwhile.
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: login }) => {
      const { id, passwordHash } = await logIn(ctx, login);
      return { id, passwordHash };
    },
  });
  return async (login) => {
    const key = keyOf(login);
    // The second round is for a password that was changed, or an account that was replaced, since the login.
    for (const forceRefresh of [false, true]) {
      // Identical concurrent logins share one verification.
      const verified = await remembered.fetch(key, { context: login, forceRefresh });
      const account = await findByName(ctx, login.username);
      if (account && account.id === verified?.id && account.passwordHash === verified.passwordHash)
        return account;
    }
    throw wrongLogin();
  };
}
