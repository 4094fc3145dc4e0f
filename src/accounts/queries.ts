import { and, eq, gt, isNotNull, isNull, lte, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, firstOf } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
import type { Caller, Role } from "../schema/accounts.ts";
import { users } from "../schema/accounts.ts";
import { accountGone, requireEnabled } from "./account-state.ts";
import { cleanUsername } from "./usernames.ts";

export type Account = typeof users.$inferSelect;

/** Ignores the case of the name. */
export function findByName(ctx: Context, username: string): Promise<Account | undefined> {
  return find(ctx, isNamed(username));
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

/** @throws DomainError `not_found` */
export async function getAccount(ctx: Context, id: number): Promise<Account> {
  const account = await findById(ctx, id);
  if (!account) throw notFound("account");
  return account;
}

export interface AccountFilter {
  /** The whole name, ignoring case. */
  readonly username?: string;
  /** A part of the username, the email address, the first or the last name, ignoring case. */
  readonly search?: string;
  readonly role?: Role;
  readonly isDisabled?: boolean;
}

/** Oldest first. @param after the id of the last account of the previous page */
export async function listAccounts(
  { db }: Context,
  { username, search, role, isDisabled }: AccountFilter,
  { after, limit }: { after: number; limit: number },
): Promise<Found<Account>> {
  const where = and(
    gt(users.id, after),
    username === undefined ? undefined : isNamed(username),
    search === undefined ? undefined : contains(search),
    role && eq(users.role, role),
    isDisabled === undefined ? undefined : (isDisabled ? isNotNull : isNull)(users.disabledAt),
  );
  const read = async (last: string | number | null) =>
    firstOf(
      await db
        .select()
        .from(users)
        .where(and(where, last === null ? undefined : lte(users.id, Number(last))))
        .orderBy(users.id)
        .limit(limit + 1),
      limit,
    );
  if (search === undefined || username !== undefined) return read(null);
  return searchList(db, {
    list: (count) =>
      sql`SELECT * FROM ${users} WHERE ${gt(users.id, after)} ORDER BY ${users.id} LIMIT ${count}`,
    key: "id",
    isAscending: true,
    texts: ["username", "email", "first_name", "last_name"],
    read,
  });
}

/** Checks an account again at the end of a long request. @throws DomainError `unauthenticated`, `account_disabled` */
export async function requireUsable(ctx: Context, id: number): Promise<void> {
  const account = await findById(ctx, id);
  if (!account) throw accountGone();
  requireEnabled(account);
}

/** @throws DomainError `account_disabled` */
export function callerOf(account: Account): Caller {
  requireEnabled(account);
  const { id, username, role } = account;
  return { id, username, role };
}

function contains(search: string): SQL {
  const { username, email, firstName, lastName } = users;
  // Not LIKE, which gives % and _ a meaning.
  return sql`strpos(lower(${username} || chr(10) || ${email} || chr(10) || ${firstName} || ' ' || ${lastName}),
    lower(${cleanUsername(search)})) > 0`;
}

function isNamed(username: string): SQL {
  return sql`lower(${users.username}) = lower(${cleanUsername(username)})`;
}

async function find({ db }: Context, where: SQL): Promise<Account | undefined> {
  const [account] = await db.select().from(users).where(where);
  return account;
}
