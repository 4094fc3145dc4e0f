/** For clients that send a name and a password with every request: a password that was right is hashed once in a while. */
import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";
import type { Context } from "../context.ts";
import type { Caller } from "../schema/accounts.ts";
import { type LogIn, logIn, wrongLogin } from "./log-in.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import { type Account, callerOf, findByName } from "./queries.ts";

const MAX_REMEMBERED = 10_000;
const REMEMBERED_MS = 5 * 60_000;
/** Fewer than fail an address, so that the clients behind one are not taken for guesses when they all come at once. */
const LOGINS_AT_A_TIME = 4;

/** What a password was right for. */
type Proven = Pick<Account, "id" | "passwordHash">;

/** @returns a login that costs one query where the same was right before, for as long as the account has that password */
export function rememberedLogins(ctx: Context, throttle: LoginThrottle): (login: LogIn) => Promise<Caller> {
  const secret = randomBytes(32);
  const limit = pLimit(LOGINS_AT_A_TIME);
  /** By what tells nothing of the password to who reads this process's memory later. */
  const keyOf = ({ username, password }: LogIn) =>
    createHmac("sha256", secret).update(`${username}\0${password}`).digest("base64");
  const remembered = new LRUCache<string, Proven, LogIn>({
    max: MAX_REMEMBERED,
    ttl: REMEMBERED_MS,
    // Who waits for a login gets its outcome, even where there is no room to remember it.
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: login }) => {
      const { id, passwordHash } = await limit(() => logIn(ctx, throttle, login));
      return { id, passwordHash };
    },
  });
  return async (login) => {
    const key = keyOf(login);
    // The second time: the password was changed since, or the account removed.
    for (const forceRefresh of [false, true]) {
      // The same login at the same time is one login.
      const proven = await remembered.fetch(key, { context: login, forceRefresh });
      const account = await findByName(ctx, login.username);
      if (account && account.id === proven?.id && account.passwordHash === proven.passwordHash)
        return callerOf(account);
    }
    throw wrongLogin();
  };
}
