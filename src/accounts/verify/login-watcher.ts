/** Ends event streams when the login that opened them ends, or its user loses a role. One query checks all of them. */
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { Login } from "../../platform/http/auth.ts";
import { type Role, userRole } from "../../schema/accounts.ts";
import { ACCOUNT_CHANNEL } from "../account-changes.ts";

/** While changes are not received: half of the 100 ms within which a login must end. */
const POLL_MS = 50;
/** Otherwise: finds tokens that have expired, and changes that nobody published. */
const RECHECK_MS = 15_000;
/** After the database could not be read. */
const RETRY_MS = 1000;

interface Watched {
  readonly login: Login;
  readonly onEnd: () => void;
}

/** @returns a function that watches a login and returns a function that stops watching */
export function loginWatcher(ctx: Context): (login: Login, onEnd: () => void) => () => void {
  const watched = new Set<Watched>();
  const due = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  let stopListening = () => {};
  let isChecking = false;
  let recheckAt = 0;
  let retryAt = 0;

  const check = async (which: Iterable<Watched>) => {
    for (const one of which) due.add(one);
    if (isChecking) return;
    isChecking = true;
    try {
      while (due.size > 0) {
        const some = [...due];
        due.clear();
        const alive = await findAlive(
          ctx,
          some.map(({ login }) => login),
        );
        for (const one of some) if (hasEnded(one.login, alive) && watched.has(one)) one.onEnd();
      }
    } catch (error) {
      ctx.log.warn({ err: error }, "cannot check the logins of event streams; retrying");
      retryAt = performance.now() + RETRY_MS;
      recheckAt = 0;
    } finally {
      isChecking = false;
    }
  };
  const tick = () => {
    const hearsChanges = ctx.listener.isListeningTo(ACCOUNT_CHANNEL);
    const now = performance.now();
    if (now < retryAt || (hearsChanges && now < recheckAt)) return;
    recheckAt = now + RECHECK_MS;
    void check(watched);
  };
  const start = () => {
    recheckAt = performance.now() + RECHECK_MS;
    timer = setInterval(tick, POLL_MS).unref();
    stopListening = ctx.listener.listen(ACCOUNT_CHANNEL, (userId) => {
      void check([...watched].filter(({ login }) => userId === null || userId === String(login.user.id)));
    });
  };
  const stop = () => {
    clearInterval(timer);
    stopListening();
  };

  return (login, onEnd) => {
    const one = { login, onEnd };
    if (watched.size === 0) start();
    watched.add(one);
    // The login may have ended since the request was authenticated.
    void check([one]);
    return () => {
      due.delete(one);
      if (watched.delete(one) && watched.size === 0) stop();
    };
  };
}

/** A stream also ends if its user has lost rights: it may show what only operators or admins may see. */
function hasEnded(login: Login, alive: ReadonlyMap<string, Role>): boolean {
  const role = alive.get(keyOf(login));
  return role === undefined || RIGHTS.indexOf(role) < RIGHTS.indexOf(login.user.role);
}

/** Each role may do what those before it may. */
const RIGHTS = userRole.enumValues;

function keyOf(login: Login): string {
  if (login.proof === "access_token") return `session ${login.sessionId}`;
  if (login.proof === "api_token") return `token ${login.tokenId}`;
  return `password ${login.user.id} ${login.passwordHash}`;
}

/** @returns the keys of the logins that have not ended, with the present roles */
async function findAlive({ db, now }: Context, logins: readonly Login[]): Promise<ReadonlyMap<string, Role>> {
  const at = sql`${now()}::timestamptz`;
  const sessionIds = logins.flatMap((login) => (login.proof === "access_token" ? login.sessionId : []));
  const tokenIds = logins.flatMap((login) => (login.proof === "api_token" ? login.tokenId : []));
  const userIds = logins.flatMap((login) => (login.proof === "password" ? login.user.id : []));
  const { rows } = await db.execute<{ key: string; role: Role }>(sql`
    SELECT 'session ' || sessions.id AS key, role FROM rowmill.sessions JOIN rowmill.users ON users.id = sessions.user_id
    WHERE sessions.id = ANY(${sql.param(sessionIds)}::uuid[]) AND ended_at IS NULL AND disabled_at IS NULL
      AND expires_at > ${at}
    UNION ALL
    SELECT 'token ' || api_tokens.id, role FROM rowmill.api_tokens JOIN rowmill.users ON users.id = api_tokens.user_id
    WHERE api_tokens.id = ANY(${sql.param(tokenIds)}::bigint[]) AND disabled_at IS NULL
      AND (expires_at IS NULL OR expires_at > ${at})
    UNION ALL
    SELECT 'password ' || id || ' ' || password_hash, role FROM rowmill.users
    WHERE id = ANY(${sql.param(userIds)}::bigint[]) AND disabled_at IS NULL`);
  return new Map(rows.map(({ key, role }) => [key, role]));
}
