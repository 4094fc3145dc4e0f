import { and, eq } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction } from "../../context.ts";
import { type Confirmation, readConfirmToken } from "../../mails/confirm-token.ts";
import { users } from "../../schema/accounts.ts";
import { hasConfirmed } from "../confirmed-address.ts";
import { lockAccount } from "../lock-account.ts";
import { type Account, getAccount } from "../queries.ts";

/** @returns the account and the address of a link; null if it is invalid, or the account has another address now */
export async function findConfirmation(
  { db, config }: Context,
  token: string,
): Promise<(Confirmation & Pick<Account, "username">) | null> {
  const found = readConfirmToken(config.jwtSecret, token);
  if (!found) return null;
  const isMeant = and(eq(users.id, found.userId), eq(users.email, found.address));
  const [account] = await db.select({ username: users.username }).from(users).where(isMeant);
  return account ? { ...found, ...account } : null;
}

/** Repeating it changes nothing. @returns false if the account has another address now */
export async function confirmEmail({ db }: Context, { userId, address }: Confirmation): Promise<boolean> {
  const { rowCount } = await db
    .update(users)
    .set({ confirmedEmail: address })
    .where(and(eq(users.id, userId), eq(users.email, address)));
  return rowCount === 1;
}

/** For operators: confirms the address that the account has. @throws DomainError `not_found` */
export function confirmAccount(ctx: Context, id: number): Promise<Account> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, id);
    const { username, email } = account;
    if (hasConfirmed(account)) return account;
    await confirmEmail(tx, { userId: id, address: email });
    const subject = { type: "account", id };
    await recordAudit(tx, {
      action: "account.email_confirmed",
      subject,
      ownerId: id,
      details: { username, email },
    });
    return getAccount(tx, id);
  });
}
