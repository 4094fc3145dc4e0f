import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { accountGone } from "./account-state.ts";

/**
 * Keeps accounts from being removed until the commit, as a foreign key would, for tables that have none. Locks in the order of
 * the ids, so that two transactions do not wait for each other.
 * @throws DomainError `unauthenticated` if one of the accounts does not exist
 */
export async function lockOwners(tx: Tx, userIds: readonly number[]): Promise<void> {
  const ids = [...new Set(userIds)];
  const { rows } = await tx.db.execute(
    sql`SELECT FROM rowmill.users WHERE id = ANY(${sql.param(ids)}::bigint[]) ORDER BY id FOR KEY SHARE`,
  );
  if (rows.length < ids.length) throw accountGone();
}
