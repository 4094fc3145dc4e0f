import { and, desc, eq, inArray, isNull } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { uuidV7 } from "../../platform/ids.ts";
import type { Caller } from "../../schema/accounts.ts";
import { sessions } from "../../schema/accounts.ts";
import { lockOwnAccount } from "../lock-account.ts";
import { wrongLogin } from "../log-in.ts";
import type { SessionClient } from "./client.ts";
import { endSessions } from "./end-sessions.ts";
import { randomToken, sessionExpiry, storeToken } from "./refresh-tokens.ts";

/** Per user. A further login ends the session that was not used for the longest time. */
export const MAX_SESSIONS = 1000;

/** A user whose login was verified. `passwordHash` is the hash that the password matched; absent for a new account. */
export interface VerifiedUser extends Pick<Caller, "id"> {
  readonly passwordHash?: string;
}

export interface OpenedSession {
  readonly sessionId: string;
  readonly refresh: string;
}

/**
 * Starts a session.
 * @throws DomainError `unauthenticated` if the password was changed since it was verified; `account_disabled`
 */
export function openSession(
  ctx: Context,
  { id: userId, passwordHash }: VerifiedUser,
  client: SessionClient,
): Promise<OpenedSession> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockOwnAccount(tx, userId);
    if (passwordHash !== undefined && passwordHash !== account.passwordHash) throw wrongLogin();
    const sessionId = uuidV7(ctx.now());
    const refresh = randomToken();
    const now = ctx.now();
    await tx.db.insert(sessions).values({
      id: sessionId,
      userId,
      ...client,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: sessionExpiry(ctx),
    });
    await storeToken(tx, refresh, { userId, familyId: sessionId });
    await endSurplus(tx, userId);
    return { sessionId, refresh };
  });
}

async function endSurplus(tx: Tx, userId: number): Promise<void> {
  const surplus = await tx.db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isNull(sessions.endedAt)))
    .orderBy(desc(sessions.lastUsedAt))
    .offset(MAX_SESSIONS)
    .limit(100);
  if (surplus.length === 0) return;
  const ids = surplus.map(({ id }) => id);
  await endSessions(tx, [userId], inArray(sessions.id, ids));
}
