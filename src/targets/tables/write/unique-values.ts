/**
 * Columns whose values may occur once per file. The row that is written first keeps a value until it fails: with one
 * worker, and within a chunk, that is the first row of the file. Chunks that are processed at the same time wait for
 * each other where they have the same value.
 */
import { hash } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import type { RowError } from "../../../schema/batches.ts";
import type { Definition } from "../../definition/definition.ts";
import { shortened } from "../read/texts.ts";
import type { TableRow } from "./table-rows.ts";

export interface UniqueColumn {
  readonly name: string;
  /** In the definition. */
  readonly position: number;
  readonly ignoresCase: boolean;
}

export function uniqueColumnsOf({ columns }: Pick<Definition, "columns">): UniqueColumn[] {
  return columns.flatMap(({ name, unique }, position) =>
    unique?.in_file ? [{ name, position, ignoresCase: unique.ignore_case ?? false }] : [],
  );
}

interface Claim {
  readonly row: TableRow;
  readonly column: UniqueColumn;
  readonly hash: string;
}

/** Why a row may not be written. */
export interface Refusal {
  /** The row that has the value. */
  readonly holder: number;
  readonly error: RowError;
}

/** Empty cells claim nothing. */
function claimsOf(columns: readonly UniqueColumn[], rows: readonly TableRow[]): Claim[] {
  return rows.flatMap((row) =>
    columns.flatMap((column) => {
      const value = row.values[column.name];
      if (value === null || value === undefined || value === "") return [];
      return [{ row, column, hash: hashOf(column.ignoresCase ? value.toLowerCase() : value) }];
    }),
  );
}

/** 128 bits, which PostgreSQL reads as a UUID. */
const hashOf = (value: string) => hash("sha256", value).slice(0, 32);

const slotOf = ({ column, hash }: Claim) => `${column.position} ${hash}`;

/**
 * Claims the values of rows, in the same order in all transactions.
 * @param rows in the order of the file
 * @returns the rows that another row keeps from being written; they hold no value
 */
export async function claimValues(
  tx: Tx,
  batchId: string,
  columns: readonly UniqueColumn[],
  rows: readonly TableRow[],
): Promise<ReadonlyMap<TableRow, Refusal>> {
  const refusals = new Map<TableRow, Refusal>();
  const holders = new Map<string, number>();
  const wanted: Claim[] = [];
  for (const row of rows) {
    const claims = claimsOf(columns, [row]);
    const lost = claims.find((claim) => holders.has(slotOf(claim)));
    if (lost) refusals.set(row, refusalOf(lost, holders.get(slotOf(lost)) ?? 0));
    else {
      wanted.push(...claims);
      for (const claim of claims) holders.set(slotOf(claim), row.row);
    }
  }
  const stored = await storeClaims(tx, batchId, wanted);
  const lost = new Set<TableRow>();
  for (const claim of wanted) {
    const holder = stored.get(slotOf(claim)) ?? claim.row.row;
    if (holder === claim.row.row || lost.has(claim.row)) continue;
    lost.add(claim.row);
    refusals.set(claim.row, refusalOf(claim, holder));
  }
  await releaseValues(tx, batchId, columns, [...lost]);
  return refusals;
}

function refusalOf({ row, column }: Claim, holder: number): Refusal {
  const value = shortened(row.values[column.name] ?? "");
  const message = `${column.name} "${value}": row ${holder} of this file has the same`;
  return { holder, error: { column: column.name, code: "not_unique", message } };
}

/** @returns the rows that held values before, by slot */
async function storeClaims(
  tx: Tx,
  batchId: string,
  claims: readonly Claim[],
): Promise<ReadonlyMap<string, number>> {
  if (claims.length === 0) return new Map();
  const sorted = claims.toSorted((a, b) => (slotOf(a) < slotOf(b) ? -1 : 1));
  const arrays = slotArrays(sorted);
  const rows = sql`${sql.param(sorted.map(({ row }) => row.row))}::int[]`;
  const { rows: stored } = await tx.db.execute(sql`
    INSERT INTO rowmill.row_values (batch_id, position, hash, row_number)
    SELECT ${batchId}, position, hash::uuid, row_number FROM unnest(${arrays}, ${rows}) AS claimed (position, hash, row_number)
    ON CONFLICT DO NOTHING RETURNING row_number`);
  if (stored.length === claims.length) return new Map();
  // LIMIT makes this one look-up per value, whatever the statistics say.
  const { rows: held } = await tx.db.execute<{ slot: string; row: number }>(sql`
    SELECT claimed.position || ' ' || claimed.hash AS slot, held.row_number AS row
    FROM unnest(${arrays}) AS claimed (position, hash) CROSS JOIN LATERAL (
      SELECT row_number FROM rowmill.row_values
      WHERE batch_id = ${batchId} AND position = claimed.position AND hash = claimed.hash::uuid LIMIT 1
    ) AS held`);
  return new Map(held.map(({ slot, row }) => [slot, row]));
}

function slotArrays(claims: readonly Claim[]) {
  const positions = sql.param(claims.map(({ column }) => column.position));
  return sql`${positions}::int2[], ${sql.param(claims.map(({ hash: text }) => text))}::text[]`;
}

/** Gives up the values of rows that have failed. */
export async function releaseValues(
  tx: Tx,
  batchId: string,
  columns: readonly UniqueColumn[],
  rows: readonly TableRow[],
): Promise<void> {
  const claims = claimsOf(columns, rows);
  if (claims.length === 0) return;
  await tx.db.execute(sql`
    DELETE FROM rowmill.row_values USING unnest(${slotArrays(claims)}, ${sql.param(claims.map(({ row }) => row.row))}::int[])
      AS claimed (position, hash, row_number)
    WHERE batch_id = ${batchId} AND row_values.position = claimed.position AND row_values.hash = claimed.hash::uuid
      AND row_values.row_number = claimed.row_number`);
}
