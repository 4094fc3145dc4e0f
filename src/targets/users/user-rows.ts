import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { Role } from "../../schema/accounts.ts";

export interface UserRow {
  readonly row: number;
  readonly values: {
    readonly username: string;
    readonly email: string;
    /** Empty if the row has no password. */
    readonly password: string;
    /** Empty if the row has no role. */
    readonly role: string;
  };
}

export interface User {
  readonly id: number;
  readonly email: string;
  readonly confirmedEmail: string;
  readonly role: Role;
}

export interface KeyedRow extends UserRow {
  /** The username in lower case, as the unique index has it. */
  readonly key: string;
  /** The account with this username. */
  readonly user: User | null;
}

/**
 * Finds the accounts with the usernames of the rows.
 * @param isForUpdate whether to lock the accounts, in the order of their names
 * @returns the rows, in the same order
 */
export async function findUsers(tx: Tx, rows: readonly UserRow[], isForUpdate = false): Promise<KeyedRow[]> {
  const { rows: found } = await tx.db.execute<{
    row: number;
    key: string;
    id: string | null;
    email: string;
    confirmedEmail: string;
    role: Role;
  }>(sql`
    SELECT cells.row, cells.key, account.id, account.email, account.confirmed_email AS "confirmedEmail", account.role
    FROM (
      SELECT row, lower(username) AS key
      FROM unnest(${sql.param(rows.map(({ row }) => row))}::int[], ${sql.param(rows.map(({ values }) => values.username))}::text[])
        AS cells (row, username)
      ORDER BY key
    ) AS cells LEFT JOIN LATERAL (
      SELECT id, email, confirmed_email, role FROM rowmill.users WHERE lower(username) = cells.key LIMIT 1 ${isForUpdate ? sql`FOR NO KEY UPDATE` : sql``}
    ) AS account ON true`);
  const byRow = new Map(found.map((account) => [account.row, account]));
  return rows.map((row) => {
    const { key = "", id = null, email = "", confirmedEmail = "", role = "user" } = byRow.get(row.row) ?? {};
    return { ...row, key, user: id === null ? null : { id: Number(id), email, confirmedEmail, role } };
  });
}
