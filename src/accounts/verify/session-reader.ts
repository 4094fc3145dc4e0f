import { eq, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Context } from "../../context.ts";
import type { Caller } from "../../schema/accounts.ts";
import { sessions, users } from "../../schema/accounts.ts";
import { ACCOUNT_CHANNEL } from "../account-changes.ts";
import { requireEnabled } from "../account-state.ts";

/** An entry takes less than 1 kB: a name has at most 150 characters. */
const MAX_CACHED = 10_000;
/** Applies changes that nobody published, such as an UPDATE in psql. */
const CACHED_MS = 5000;

/** Returns the user of a session; null if the session is unknown or has ended. */
export type SessionReader = (sessionId: string) => Promise<Caller | null>;

/**
 * Reads the session of each access token, and with it the present role of the user. Sessions are cached in memory while
 * this process receives the changes of accounts; otherwise each request reads the database.
 */
export function sessionReader(ctx: Context): SessionReader {
  const idsByUser = new Map<number, Set<string>>();
  const cached = new LRUCache<string, Caller>({
    max: MAX_CACHED,
    ttl: CACHED_MS,
    // Otherwise each look-up starts a timer, which keeps the time for a millisecond.
    ttlResolution: 0,
    dispose(caller, id) {
      const ids = idsByUser.get(caller.id);
      ids?.delete(id);
      if (ids?.size === 0) idsByUser.delete(caller.id);
    },
  });
  // A read that was in progress during a change may have missed it.
  let changes = 0;
  const forget = (userId: string | null) => {
    changes += 1;
    if (userId === null) cached.clear();
    else for (const id of [...(idsByUser.get(Number(userId)) ?? [])]) cached.delete(id);
  };
  const remember = (id: string, caller: Caller) => {
    cached.set(id, caller);
    idsByUser.set(caller.id, (idsByUser.get(caller.id) ?? new Set()).add(id));
  };
  let isSubscribed = false;
  const hearsChanges = () => {
    if (!isSubscribed) ctx.listener.listen(ACCOUNT_CHANNEL, forget);
    isSubscribed = true;
    return ctx.listener.isListeningTo(ACCOUNT_CHANNEL);
  };

  const statement = sessionWithUser(ctx);
  return async (id) => {
    const heardBefore = hearsChanges();
    const known = heardBefore ? cached.get(id) : undefined;
    if (known) return known;
    const before = changes;
    const [found] = await statement.execute({ id });
    if (!found) return null;
    requireEnabled(found);
    if (found.endedAt !== null) return null;
    if (heardBefore && hearsChanges() && changes === before) remember(id, found.caller);
    return found.caller;
  };
}

/** As a named statement it is planned once per connection. */
const sessionWithUser = ({ db, hasSessions }: Context) =>
  db
    .select({
      caller: { id: users.id, username: users.username, role: users.role },
      disabledAt: users.disabledAt,
      endedAt: sessions.endedAt,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(eq(sessions.id, sql.placeholder("id")))
    .prepare(hasSessions ? "session_with_user" : "");
