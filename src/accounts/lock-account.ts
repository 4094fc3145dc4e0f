/**
 * Locks accounts until the commit: their password, state and role cannot change meanwhile. Sessions and tokens are locked
 * after their account, so that two transactions cannot deadlock.
 */
import { eq } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { users } from "../schema/accounts.ts";
import { accountGone, requireEnabled } from "./account-state.ts";
import type { Account } from "./queries.ts";

/** @throws DomainError `not_found` */
export async function lockAccount(tx: Tx, userId: number): Promise<Account> {
  const account = await lock(tx, userId);
  if (!account) throw notFound("account");
  return account;
}

/** For the account of the client. @throws DomainError `unauthenticated` if it was removed; `account_disabled` */
export async function lockOwnAccount(tx: Tx, userId: number): Promise<Account> {
  const account = await lock(tx, userId);
  if (!account) throw accountGone();
  requireEnabled(account);
  return account;
}

async function lock(tx: Tx, userId: number): Promise<Account | undefined> {
  const [account] = await tx.db.select().from(users).where(eq(users.id, userId)).for("no key update");
  return account;
}
