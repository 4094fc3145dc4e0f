/** The recipients of a message as a CSV for the target `messages`, page by page. */
import { and, asc, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Permanent } from "../../../errors.ts";
import { csvRecords } from "../../../platform/csv/cells.ts";
import { type Role, users } from "../../../schema/accounts.ts";

/** Accounts per statement. */
const PAGE = 1000;

const HEADER = ["username", "email"];

const asBytes = (records: readonly string[][]) => Buffer.from(csvRecords(records));

/** All accounts that can log in, or those of one role. */
export async function* accountsAsCsv({ db }: Context, role: Role | "all"): AsyncGenerator<Buffer> {
  yield asBytes([HEADER]);
  const isInRole = role === "all" ? undefined : eq(users.role, role);
  for (let after = 0; ; ) {
    const page = await db
      .select({ id: users.id, username: users.username, email: users.email })
      .from(users)
      .where(and(gt(users.id, after), isNull(users.disabledAt), isInRole))
      .orderBy(asc(users.id))
      .limit(PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield asBytes(page.map(({ username, email }) => [username, email]));
    after = last.id;
  }
}

/**
 * The named accounts, each once. A username without an account fails as a row.
 * @param chosen usernames and ids
 * @throws Permanent `unknown_user` if an id has no account
 */
export async function* namedAsCsv(
  { db }: Context,
  chosen: readonly (string | number)[],
): AsyncGenerator<Buffer> {
  const ids = chosen.filter((one) => typeof one === "number");
  const found = await db
    .select({ id: users.id, username: users.username, email: users.email })
    .from(users)
    .where(inArray(users.id, ids));
  const known = new Set(found.map(({ id }) => id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0)
    throw new Permanent("unknown_user", `No account has the id ${unknown.slice(0, 10).join(", ")}.`);
  const named = new Map(found.map(({ username, email }) => [username.toLowerCase(), [username, email]]));
  for (const username of chosen.filter((one) => typeof one === "string"))
    if (!named.has(username.toLowerCase())) named.set(username.toLowerCase(), [username, ""]);
  yield asBytes([HEADER, ...named.values()]);
}

/** Maps usernames in lower case to the addresses of their accounts. */
export async function addressesOf(
  { db }: Context,
  usernames: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = usernames.map((username) => username.toLowerCase());
  const found = await db
    .select({ username: users.username, email: users.email })
    .from(users)
    .where(inArray(sql`lower(${users.username})`, names));
  return new Map(found.map(({ username, email }) => [username.toLowerCase(), email]));
}
