/** At least one enabled admin remains: without one, nobody could manage accounts over the API. */
import { and, notInArray, sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { isEnabledAdmin, users } from "../schema/accounts.ts";
import type { Account } from "./queries.ts";

/** The key of the lock: "admi" in ASCII. */
const ADMINS_LOCK = 0x61646d69;

/**
 * Whether an admin remains that is enabled and none of these accounts. The answer holds until the commit: transactions that
 * take the role from admins wait for each other here. Lock the accounts before.
 */
export async function hasOtherAdmin(tx: Tx, userIds: readonly number[]): Promise<boolean> {
  await tx.db.execute(sql`SELECT pg_advisory_xact_lock(${ADMINS_LOCK})`);
  const others = await tx.db
    .select({ id: users.id })
    .from(users)
    .where(and(isEnabledAdmin(users), notInArray(users.id, [...userIds])))
    .limit(1);
  return others.length > 0;
}

/** @throws DomainError `conflict` if the account is the last admin that is enabled */
export async function requireOtherAdmin(
  tx: Tx,
  { id, role, disabledAt, username }: Account,
  done: "disabled" | "demoted",
): Promise<void> {
  if (role !== "admin" || disabledAt !== null || (await hasOtherAdmin(tx, [id]))) return;
  throw new DomainError(
    "conflict",
    `"${username}" is the last enabled administrator and cannot be ${done}. Make another account an administrator first: ` +
      "PATCH /api/v1/accounts/{id}, or `npm run cli -- accounts set-role NAME admin`.",
  );
}
