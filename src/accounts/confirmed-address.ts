import type { Context } from "../context.ts";
import type { users } from "../schema/accounts.ts";

type Addresses = Pick<typeof users.$inferSelect, "email" | "confirmedEmail">;

/**
 * Whether mail with texts that the user chooses, such as names of files, may go to the address: its owner has followed a
 * link, or an admin has given it. Otherwise anyone could sign up with the address of someone else, and write to it.
 */
export function isConfirmed({ config }: Pick<Context, "config">, account: Addresses): boolean {
  return hasConfirmed(account) || (account.email !== "" && !config.mail.mustConfirm);
}

export function hasConfirmed({ email, confirmedEmail }: Addresses): boolean {
  return email !== "" && email === confirmedEmail;
}
