/** Ends what an account logs in with, for administrators. */
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { lockAccount } from "../lock-account.ts";
import type { Account } from "../queries.ts";
import { endAllSessions } from "../sessions/end-sessions.ts";
import { revokeTokens } from "../tokens/revoke-token.ts";

/** @param except the id of a session that goes on. @returns the number of sessions. @throws DomainError `not_found` */
export function logOutEverywhere(ctx: Context, userId: number, except?: string | null): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, userId);
    const ended = await endAllSessions(tx, [userId], except);
    if (ended > 0) await record(tx, "account.sessions_ended", account, { ended });
    return ended;
  });
}

/** @returns the number of API tokens. @throws DomainError `not_found` */
export function revokeAllTokens(ctx: Context, userId: number): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, userId);
    const revoked = await revokeTokens(tx, [userId]);
    if (revoked > 0) await record(tx, "account.tokens_revoked", account, { revoked });
    return revoked;
  });
}

function record(
  tx: Tx,
  action: "account.sessions_ended" | "account.tokens_revoked",
  { id, username }: Pick<Account, "id" | "username">,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const details = { username, ...counts };
  return recordOwn(tx, { action, subject: { type: "account", id }, ownerId: id, details });
}
