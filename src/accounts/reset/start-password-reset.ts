import { createHash } from "node:crypto";
import { and, eq, isNull, ne, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { addMail } from "../../mails/add-mail.ts";
import { resetToken } from "../../mails/reset-token.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { passwordResets, users } from "../../schema/accounts.ts";
import { isConfirmed } from "../confirmed-address.ts";
import { countHourly } from "../hourly-limit.ts";
import { countUnconfirmed } from "../unconfirmed-limit.ts";
import { cleanUsername } from "../usernames.ts";

/** One of the two. */
export interface ResetRequest {
  readonly email?: string;
  readonly username?: string;
}

/** Several accounts can have one address. */
const MAX_ACCOUNTS = 5;
export const MAILS_PER_HOUR = 3;
const LIFETIME = sql`statement_timestamp() + interval '1 hour'`;

const account = {
  id: users.id,
  username: users.username,
  email: users.email,
  firstName: users.firstName,
  confirmedEmail: users.confirmedEmail,
};

type Account = Pick<typeof users.$inferSelect, keyof typeof account>;

/** Mails a link to the accounts that are meant, unless they are disabled, have no address, or got many links already. */
export async function startPasswordReset(tx: Tx, request: ResetRequest): Promise<undefined> {
  for (const account of await accountsOf(tx, request)) {
    if ((await countReset(tx, account)) === 0) await mailLink(tx, account);
    else tx.log.info({ userId: account.id }, "no password reset: the account got several in this hour");
  }
}

/** Counts one more mail. @returns the seconds until the next one is allowed; 0: this one is */
export async function countReset(tx: Tx, account: Account): Promise<number> {
  const limit = { name: "password-reset", key: String(account.id), perHour: MAILS_PER_HOUR };
  const seconds = await countHourly(tx, limit);
  return seconds > 0 || isConfirmed(tx, account) ? seconds : countUnconfirmed(tx, "reset", account.email);
}

function accountsOf({ db }: Tx, { email, username }: ResetRequest): Promise<Account[]> {
  const isMeant =
    email === undefined
      ? sql`lower(${users.username}) = lower(${cleanUsername(username ?? "")})`
      : sql`lower(${users.email}) = lower(${email})`;
  return db
    .select(account)
    .from(users)
    .where(and(isMeant, ne(users.email, ""), isNull(users.disabledAt)))
    .orderBy(users.id)
    .limit(MAX_ACCOUNTS);
}

/** The new link replaces an older one. */
export async function mailLink(tx: Tx, account: Account): Promise<void> {
  const { id, username, email } = account;
  const resetId = uuidV7(tx.now());
  const reset = { tokenHash: hashOf(resetToken(tx.config.jwtSecret, resetId)), expiresAt: LIFETIME };
  await tx.db
    .insert(passwordResets)
    .values({ userId: id, ...reset })
    .onConflictDoUpdate({ target: passwordResets.userId, set: reset });
  await addMail(tx, {
    kind: "password_reset",
    to: { userId: id, address: email, name: (isConfirmed(tx, account) && account.firstName) || username },
    data: { username, reset_id: resetId },
  });
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** The account of a valid link. */
export const isValid = (token: string) =>
  and(eq(passwordResets.tokenHash, hashOf(token)), sql`${passwordResets.expiresAt} > statement_timestamp()`);
