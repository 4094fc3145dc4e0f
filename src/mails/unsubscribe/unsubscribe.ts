import { eq, sql } from "drizzle-orm";
import { kinds } from "../../announcements/kinds.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { users } from "../../schema/accounts.ts";
import { mailSuppressions } from "../../schema/mails.ts";
import { readUnsubscribeToken, type Subscriber, type Unsubscription } from "./token.ts";

/** Repeating it changes nothing. @returns false if Rowmill has not signed the token */
export async function unsubscribe(ctx: Context, token: string): Promise<boolean> {
  const found = readUnsubscribeToken(ctx.config.jwtSecret, token);
  if (!found) return false;
  await inTransaction(ctx, (tx) => turnOff(tx, found));
  return true;
}

async function turnOff(tx: Tx, { subscriber, subscription }: Unsubscription): Promise<void> {
  const kind = subscription === "bulk_message" ? "message" : subscription;
  if (kind === "message") await suppressMessages(tx, subscriber);
  // A later version may have announced it.
  if ("userId" in subscriber && kinds.some((known) => known === kind))
    await tx.db.execute(sql`
      INSERT INTO rowmill.notification_preferences (user_id, kind, email)
      SELECT id, ${kind}, false FROM rowmill.users WHERE id = ${subscriber.userId}
      ON CONFLICT (user_id, kind) DO UPDATE SET email = false`);
}

/** Messages to many people go to addresses, also of people without an account. */
async function suppressMessages(tx: Tx, subscriber: Subscriber): Promise<void> {
  const address = "address" in subscriber ? subscriber.address : await addressOf(tx, subscriber.userId);
  if (address)
    await tx.db
      .insert(mailSuppressions)
      .values({ address: address.toLowerCase(), scope: "bulk_message" })
      .onConflictDoNothing();
}

async function addressOf({ db }: Tx, userId: number): Promise<string | undefined> {
  const [user] = await db.select({ email: users.email }).from(users).where(eq(users.id, userId));
  return user?.email;
}
