import { eq, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { Caller } from "../schema/accounts.ts";
import { users } from "../schema/accounts.ts";
import { cleanUsername } from "./usernames.ts";

export type Account = typeof users.$inferSelect;

/** Ignores the case of the name. */
export function findByName(ctx: Context, username: string): Promise<Account | undefined> {
  return find(ctx, sql`lower(${users.username}) = lower(${cleanUsername(username)})`);
}

/** Also returns the name as the database compares names, which differs from `toLowerCase` for letters such as U+0130. */
export async function findForLogin(
  { db }: Context,
  username: string,
): Promise<{ account: Account | undefined; foldedName: string }> {
  const [found] = await db
    .select({ foldedName: sql<string>`given.name`, account: users })
    .from(sql`(SELECT lower(${cleanUsername(username)}) AS name) AS given`)
    .leftJoin(users, sql`lower(${users.username}) = given.name`);
  return { account: found?.account ?? undefined, foldedName: found?.foldedName ?? "" };
}

/** @returns undefined if the account was removed; access tokens can outlive it */
export function findById(ctx: Context, id: number): Promise<Account | undefined> {
  return find(ctx, eq(users.id, id));
}

export function callerOf({ id, username, role }: Account): Caller {
  return { id, username, role };
}

async function find({ db }: Context, where: SQL): Promise<Account | undefined> {
  const [account] = await db.select().from(users).where(where);
  return account;
}
