import { eq } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { users } from "../schema/accounts.ts";
import { accountGone } from "./account-state.ts";

/**
 * Keeps an account from being removed until the commit, as a foreign key would, for tables that have none.
 * @throws DomainError `unauthenticated` if the account does not exist
 */
export async function lockOwner(tx: Tx, userId: number): Promise<void> {
  const [owner] = await tx.db
    .select({ id: users.id })
    .from(users)
    .where(eq(users.id, userId))
    .for("key share");
  if (!owner) throw accountGone();
}
