import { eq } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { DAY_MS } from "../../platform/durations.ts";
import type { Caller } from "../../schema/accounts.ts";
import { refreshTokens, sessions } from "../../schema/accounts.ts";
import { lockOwnAccount } from "../lock-account.ts";
import { callerOf } from "../queries.ts";
import type { SessionClient } from "./client.ts";
import { endSessions } from "./end-sessions.ts";
import { lockSession, type Session } from "./lock-session.ts";
import type { OpenedSession } from "./open-session.ts";
import { hashToken, sessionExpiry, storeToken, successorOf } from "./refresh-tokens.ts";

/** Two tabs, or a client that lost the answer, may send a used token again for this time. */
const GRACE_MS = 10_000;

type StoredToken = typeof refreshTokens.$inferSelect;

/**
 * Exchanges a refresh token for the next one of its session. A token that is used twice may be stolen, so this ends the
 * session (RFC 9700, section 4.14.2), unless the same client repeats its last refresh: it gets the same answer again.
 * @throws DomainError `unauthenticated` if the token is unknown, expired, revoked or used; `account_disabled`
 */
export async function rotateSession(
  ctx: Context,
  token: string,
  client: SessionClient,
): Promise<OpenedSession & { user: Caller }> {
  const rotated = await inTransaction(ctx, async (tx) => {
    const [known] = await findToken(tx, token);
    if (!known) return null;
    const user = callerOf(await lockOwnAccount(tx, known.userId));
    const session = await lockSession(tx, known);
    // Read again: another request may have used it, or ended the session, before the lock.
    const [stored] = await findToken(tx, token);
    if (!stored || session.endedAt !== null || stored.revokedAt !== null || stored.expiresAt <= tx.now())
      return null;
    if (isTooOld(tx, session)) return null;
    const refresh = successorOf(tx, token);
    const next = { user, refresh, sessionId: session.id };
    if (stored.usedAt === null) {
      await useToken(tx, stored, refresh, client);
      return next;
    }
    if (await isRepetition(tx, { stored, refresh, session, client })) return next;
    await endSessions(tx, [session.userId], eq(sessions.id, session.id));
    const ended = { userId: user.id, sessionId: session.id };
    tx.afterCommit.push(() => ctx.log.warn(ended, "a refresh token was used twice; session ended"));
    return null;
  });
  if (rotated) return rotated;
  throw new DomainError(
    "unauthenticated",
    "The refresh token is unknown, expired, revoked or already used. Log in again.",
  );
}

/** The session goes on until its last access token expires. */
function isTooOld({ config, now }: Tx, { createdAt }: Session): boolean {
  return now().getTime() - createdAt.getTime() >= config.sessionMaxDays * DAY_MS;
}

function findToken(tx: Tx, token: string): Promise<StoredToken[]> {
  return tx.db
    .select()
    .from(refreshTokens)
    .where(eq(refreshTokens.tokenHash, hashToken(token)));
}

async function useToken(tx: Tx, stored: StoredToken, next: string, client: SessionClient): Promise<void> {
  await tx.db
    .update(refreshTokens)
    .set({ usedAt: tx.now() })
    .where(eq(refreshTokens.tokenHash, stored.tokenHash));
  await storeToken(tx, next, stored);
  await tx.db
    .update(sessions)
    .set({ ...client, lastUsedAt: tx.now(), expiresAt: sessionExpiry(tx) })
    .where(eq(sessions.id, stored.familyId));
}

/** Whether the client that used the token sends it again soon, and nobody has used the next one yet. */
async function isRepetition(
  tx: Tx,
  use: { stored: StoredToken; refresh: string; session: Session; client: SessionClient },
): Promise<boolean> {
  const { stored, refresh, session, client } = use;
  const isRecent = stored.usedAt !== null && tx.now().getTime() - stored.usedAt.getTime() < GRACE_MS;
  const isSameClient = session.address === client.address && session.userAgent === client.userAgent;
  if (!isRecent || !isSameClient) return false;
  const [next] = await findToken(tx, refresh);
  return next !== undefined && next.usedAt === null;
}
