import { eq, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { Caller } from "../schema/accounts.ts";
import { users } from "../schema/accounts.ts";
import { cleanUsername } from "./usernames.ts";

export type Account = typeof users.$inferSelect;

/** Whoever has this name, whatever its case. */
export function findByName(ctx: Context, username: string): Promise<Account | undefined> {
  return find(ctx, sql`lower(${users.username}) = lower(${cleanUsername(username)})`);
}

/** Undefined where it was removed since: a token may outlive it. */
export function findById(ctx: Context, id: number): Promise<Account | undefined> {
  return find(ctx, eq(users.id, id));
}

export function callerOf({ id, username, role }: Account): Caller {
  return { id, username, role };
}

async function find({ db }: Context, isIt: SQL): Promise<Account | undefined> {
  const [account] = await db.select().from(users).where(isIt);
  return account;
}
