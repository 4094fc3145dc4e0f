import { and, eq, inArray, type SQL } from "drizzle-orm";
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { apiTokens } from "../../schema/accounts.ts";
import { accountsChanged } from "../account-changes.ts";

/** Takes effect at once in all processes. @throws DomainError `not_found` */
export function revokeToken(ctx: Context, userId: number, id: number): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    if ((await revokeTokens(tx, [userId], eq(apiTokens.id, id))) === 0) throw notFound("API token");
    await recordOwn(tx, { action: "token.revoked", subject: { type: "api_token", id }, ownerId: userId });
  });
}

/** Also ends the event streams that the tokens opened. @param which absent: all. @returns the number of tokens */
export async function revokeTokens(tx: Tx, userIds: readonly number[], which?: SQL): Promise<number> {
  const revoked = await tx.db
    .delete(apiTokens)
    .where(and(inArray(apiTokens.userId, [...userIds]), which))
    .returning({ userId: apiTokens.userId });
  await accountsChanged(tx, [...new Set(revoked.map(({ userId }) => userId))]);
  return revoked.length;
}
