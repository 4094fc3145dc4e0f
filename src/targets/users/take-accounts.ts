/** In the modes `insert` and `skip_existing` the first row of a name becomes the account, even if it is written last. */
import { sql } from "drizzle-orm";
import { NO_PASSWORD } from "../../accounts/passwords.ts";
import type { Tx } from "../../context.ts";
import type { DisplacedRow, TargetBatch } from "../target.ts";
import { findUsed } from "./account-uses.ts";
import type { KeyedRow } from "./user-rows.ts";

interface Taken {
  readonly row: KeyedRow;
  readonly accountId: number;
  readonly formerRow: number;
}

/**
 * Takes the accounts that later rows of the same file have created, unless they are in use already.
 * @param rows rows whose names belong to accounts that this slice has not created
 * @param hashRows hashes the passwords of rows; row number to hash
 * @returns row number to the row whose account it takes
 */
export async function takeAccountsOfLaterRows(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly KeyedRow[],
  hashRows: (rows: readonly KeyedRow[]) => Promise<ReadonlyMap<number, string>>,
): Promise<ReadonlyMap<number, DisplacedRow>> {
  const creators = await findCreators(tx, batch.id, rows);
  const taken = new Map<number, Taken>();
  for (const row of rows) {
    const accountId = row.user?.id ?? 0;
    const formerRow = creators.get(accountId) ?? 0;
    if (formerRow > row.row && !taken.has(accountId)) taken.set(accountId, { row, accountId, formerRow });
  }
  if (taken.size === 0) return new Map();
  const unused = await lockUnused(tx, [...taken.keys()]);
  const due = [...taken.values()].filter(({ accountId }) => unused.has(accountId));
  await rewriteAccounts(tx, due, await hashRows(due.map(({ row }) => row)));
  return new Map(due.map((one) => [one.row.row, displacement(batch, one, unused.get(one.accountId) ?? "")]));
}

/** Returns the id of each account that a row of the batch has created, and the number of the row. */
async function findCreators(
  tx: Tx,
  batchId: string,
  rows: readonly KeyedRow[],
): Promise<Map<number, number>> {
  if (rows.length === 0) return new Map();
  const ids = sql.param(rows.map(({ user }) => user?.id ?? 0));
  const { rows: found } = await tx.db.execute<{ id: string; row: number }>(sql`
    SELECT record_id AS id, row_number AS row FROM rowmill.row_results
    WHERE batch_id = ${batchId} AND row_number > ${Math.min(...rows.map(({ row }) => row))} AND effect = 'created'
      AND record_id = ANY(${ids}::bigint[])`);
  return new Map(found.map(({ id, row }) => [Number(id), row]));
}

/** Locks in the order of the names. @returns id to name */
async function lockUnused(tx: Tx, ids: readonly number[]): Promise<Map<number, string>> {
  const { rows } = await tx.db.execute<{ id: string; username: string }>(sql`
    SELECT id, username FROM rowmill.users WHERE id = ANY(${sql.param([...ids])}::bigint[])
    ORDER BY lower(username) FOR UPDATE`);
  const used = await findUsed(tx, ids);
  return new Map(
    rows.map(({ id, username }) => [Number(id), username] as const).filter(([id]) => !used.has(id)),
  );
}

async function rewriteAccounts(
  tx: Tx,
  taken: readonly Taken[],
  hashes: ReadonlyMap<number, string>,
): Promise<void> {
  if (taken.length === 0) return;
  const column = (pick: (taken: Taken) => string | number) => sql.param(taken.map(pick));
  await tx.db.execute(sql`
    UPDATE rowmill.users SET username = cells.username, email = cells.email, confirmed_email = cells.email,
      password_hash = cells.password_hash, role = cells.role::rowmill.user_role
    FROM unnest(${column(({ accountId }) => accountId)}::bigint[], ${column(({ row }) => row.values.username)}::text[],
      ${column(({ row }) => row.values.email)}::text[], ${column(({ row }) => hashes.get(row.row) ?? NO_PASSWORD)}::text[],
      ${column(({ row }) => row.values.role || "user")}::text[]) AS cells (id, username, email, password_hash, role)
    WHERE users.id = cells.id`);
}

/** @param username as the displaced row spells it */
function displacement(
  { mode }: TargetBatch,
  { accountId, formerRow }: Taken,
  username: string,
): DisplacedRow {
  const message = takenMessage(username, accountId);
  const error = mode === "skip_existing" ? null : { column: "username", code: "duplicate", message };
  return { row: formerRow, error, formerMessage: repeatedMessage(username, formerRow, accountId) };
}

export function takenMessage(username: string, accountId = 0): string {
  return `username "${username}" is taken by account ${accountId}`;
}

/** @param row the row of this file that became the account */
export function repeatedMessage(username: string, row: number, accountId = 0): string {
  return `username "${username}" is also in row ${row} of this file, which became account ${accountId}`;
}
