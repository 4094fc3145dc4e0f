import { inArray } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { passwordResets } from "../schema/accounts.ts";

/** Ends the links with which these users could choose a new password. */
export async function endResets({ db }: Tx, userIds: readonly number[]): Promise<void> {
  if (userIds.length > 0) await db.delete(passwordResets).where(inArray(passwordResets.userId, [...userIds]));
}
