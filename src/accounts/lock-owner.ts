import { eq } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { users } from "../schema/accounts.ts";

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
  if (!owner) throw new DomainError("unauthenticated", "The account does not exist any more.");
}
