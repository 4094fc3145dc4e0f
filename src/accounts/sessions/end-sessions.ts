/** Ends sessions: their refresh tokens at the commit, their access tokens and event streams within 100 ms. */
import { and, eq, inArray, isNull, ne, type SQL } from "drizzle-orm";
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { refreshTokens, sessions } from "../../schema/accounts.ts";
import { accountsChanged } from "../account-changes.ts";
import { lockSession } from "./lock-session.ts";
import { hashToken } from "./refresh-tokens.ts";

/** Ends the session of a refresh token. Ignores unknown tokens. */
export function logOut(ctx: Context, token: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const [known] = await tx.db
      .select({ userId: refreshTokens.userId, familyId: refreshTokens.familyId })
      .from(refreshTokens)
      .where(eq(refreshTokens.tokenHash, hashToken(token)));
    if (!known) return;
    // A refresh at the same time has added its token before this lock, or finds that the session has ended.
    const session = await lockSession(tx, known);
    if (session.endedAt === null) await endSessions(tx, [known.userId], eq(sessions.id, session.id));
  });
}

/** @throws DomainError `not_found` if the user has no such session */
export function endSession(ctx: Context, userId: number, id: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    if ((await endSessions(tx, [userId], eq(sessions.id, id))) === 0) throw notFound("session");
    await recordOwn(tx, {
      action: "account.sessions_ended",
      subject: { type: "account", id: userId },
      ownerId: userId,
      details: { session_id: id, ended: 1 },
    });
  });
}

/**
 * Ends all sessions of users whose accounts the caller has locked.
 * @param except the id of a session that goes on
 * @returns the number of sessions
 */
export async function endAllSessions(
  tx: Tx,
  userIds: readonly number[],
  except: string | null = null,
): Promise<number> {
  const others = except === null ? undefined : ne(sessions.id, except);
  const ended = await endSessions(tx, userIds, others);
  // Logins of versions before 0.5.0 have tokens and no session until their next refresh.
  const otherFamilies = except === null ? undefined : ne(refreshTokens.familyId, except);
  await revoke(tx, and(inArray(refreshTokens.userId, [...userIds]), otherFamilies));
  return ended;
}

/** @param which absent: all. @returns the number of sessions */
export async function endSessions(
  tx: Tx,
  userIds: readonly number[],
  which: SQL | undefined,
): Promise<number> {
  const ended = await tx.db
    .update(sessions)
    .set({ endedAt: tx.now() })
    .where(and(inArray(sessions.userId, [...userIds]), isNull(sessions.endedAt), which))
    .returning({ id: sessions.id, userId: sessions.userId });
  if (ended.length === 0) return 0;
  const ids = ended.map(({ id }) => id);
  await revoke(tx, inArray(refreshTokens.familyId, ids));
  await accountsChanged(tx, [...new Set(ended.map(({ userId }) => userId))]);
  return ended.length;
}

async function revoke(tx: Tx, which: SQL | undefined): Promise<void> {
  await tx.db
    .update(refreshTokens)
    .set({ revokedAt: tx.now() })
    .where(and(which, isNull(refreshTokens.revokedAt)));
}
