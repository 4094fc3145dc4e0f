import type { Tx } from "../context.ts";
import { isEnabledAdmin, users } from "../schema/accounts.ts";
import { type Announcement, announce } from "./announce.ts";
import type { Kind } from "./kinds.ts";

/** Announces something to every admin whose account is enabled. */
export async function announceToAdmins<K extends Kind>(
  tx: Tx,
  announcement: Omit<Announcement<K>, "userId">,
): Promise<void> {
  const admins = await tx.db.select({ id: users.id }).from(users).where(isEnabledAdmin(users));
  for (const { id } of admins) await announce(tx, { ...announcement, userId: id } as Announcement<K>);
}
