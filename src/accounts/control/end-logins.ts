/** Ends what an account logs in with, for administrators. */
import { type Context, inTransaction } from "../../context.ts";
import { lockAccount } from "../lock-account.ts";
import { endAllSessions } from "../sessions/end-sessions.ts";
import { revokeTokens } from "../tokens/revoke-token.ts";

/** @param except the id of a session that goes on. @returns the number of sessions. @throws DomainError `not_found` */
export function logOutEverywhere(ctx: Context, userId: number, except?: string | null): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    await lockAccount(tx, userId);
    return endAllSessions(tx, [userId], except);
  });
}

/** @returns the number of API tokens. @throws DomainError `not_found` */
export function revokeAllTokens(ctx: Context, userId: number): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    await lockAccount(tx, userId);
    return revokeTokens(tx, [userId]);
  });
}
