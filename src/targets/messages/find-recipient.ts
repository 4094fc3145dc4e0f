import { sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { cleanUsername } from "../../accounts/usernames.ts";
import type { Context } from "../../context.ts";
import { Permanent } from "../../errors.ts";
import { isEnabledAdmin, users } from "../../schema/accounts.ts";

const senders = alias(users, "sender");

export interface Recipient {
  /** null: an address without an account. */
  readonly userId: number | null;
  /** Empty: the account has no address. */
  readonly address: string;
  readonly name: string;
  /** Whether the recipient wants messages in the app, and by e-mail. */
  readonly isInApp: boolean;
  readonly isMailed: boolean;
  /** The username of the sender. */
  readonly sender: string;
}

interface Found extends Record<string, unknown> {
  readonly sender: string;
  readonly maySend: boolean;
  readonly userId: string | null;
  readonly username: string | null;
  readonly address: string | null;
  readonly isDisabled: boolean;
  readonly isInApp: boolean;
  readonly isMailed: boolean;
}

/**
 * Finds the account of a username, whose address the message is sent to. Without a username, the address is the recipient.
 * @throws Permanent `forbidden`, `required`, `unknown_user` or `account_disabled`
 */
export async function findRecipient(
  ctx: Context,
  senderId: number,
  { username, email }: { username: string; email: string },
): Promise<Recipient> {
  const { rows } = await ctx.db.execute<Found>(sql`
    SELECT sender.username AS sender, ${isEnabledAdmin(senders)} AS "maySend", users.id AS "userId", users.username, users.email AS address,
      users.disabled_at IS NOT NULL AS "isDisabled", coalesce(in_app, true) AS "isInApp",
      coalesce(preferences.email, true) AS "isMailed"
    FROM rowmill.users AS sender
    LEFT JOIN rowmill.users ON lower(users.username) = lower(${cleanUsername(username)})
    LEFT JOIN rowmill.notification_preferences AS preferences ON preferences.user_id = users.id AND kind = 'message'
    WHERE sender.id = ${senderId}`);
  const [found] = rows;
  if (!found) throw new Permanent("unknown_user", "The account of the sender was removed.");
  // The role may have been lost since the upload.
  if (!found.maySend) throw new Permanent("forbidden", "Only administrators can send messages.");
  const { sender, isInApp, isMailed } = found;
  if (username === "") {
    if (email === "") throw new Permanent("required", "The row has neither a username nor an email.");
    return { userId: null, address: email, name: "", isInApp: false, isMailed: true, sender };
  }
  if (found.userId === null) {
    const message = `No account has the username "${username}".`;
    throw new Permanent("unknown_user", message, { column: "username" });
  }
  if (found.isDisabled) {
    const message = `The account "${username}" is disabled.`;
    throw new Permanent("account_disabled", message, { column: "username" });
  }
  const userId = Number(found.userId);
  return { userId, address: found.address ?? "", name: found.username ?? "", isInApp, isMailed, sender };
}
