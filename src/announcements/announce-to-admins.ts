import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { users } from "../schema/accounts.ts";
import { type Announcement, announce } from "./announce.ts";
import type { Kind } from "./kinds.ts";

/** Announces something to every admin whose account is enabled. */
export async function announceToAdmins<K extends Kind>(
  tx: Tx,
  announcement: Omit<Announcement<K>, "userId">,
): Promise<void> {
  const admins = await tx.db
    .select({ id: users.id })
    .from(users)
    .where(sql`${users.role} = 'admin' AND ${users.disabledAt} IS NULL`);
  for (const { id } of admins) await announce(tx, { ...announcement, userId: id } as Announcement<K>);
}
