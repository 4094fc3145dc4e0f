/** Finds the records with the keys of rows. */
import type { Tx } from "../../../context.ts";
import { type RowStatement, runStatement } from "./row-statements.ts";
import { hasIdentity, recordKeyOf, type TablePlan } from "./table-plan.ts";
import { keyCells, type TableRow } from "./table-rows.ts";

export interface FoundRecord {
  readonly recordKey: string;
  readonly version: string;
  /** The values of the columns that updates write, as texts; null: nothing needs them, or they are too many. */
  readonly image: readonly (string | null)[] | null;
}

export interface FindOptions {
  /** `update`: they stay until the commit, and foreign keys may refer to them. `delete`: nothing may. */
  readonly lockFor?: "update" | "delete";
  readonly withImage?: boolean;
}

/**
 * One look-up per row, whatever the statistics of the table say. The caller has sorted the rows by key.
 * @returns by position
 */
export async function findRecords(
  tx: Tx,
  plan: TablePlan,
  rows: readonly TableRow[],
  { lockFor, withImage = false }: FindOptions = {},
): Promise<ReadonlyMap<number, FoundRecord>> {
  const statement = findStatement(plan, lockFor, withImage);
  const found = await runStatement<StoredRecord>(tx, statement, keyCells(plan, rows), rows.length);
  return new Map(
    found.map(({ r, key, version, image }) => [r, { recordKey: recordKeyOf(plan, key), version, image }]),
  );
}

interface StoredRecord extends Record<string, unknown> {
  readonly r: number;
  readonly key: (string | null)[];
  readonly version: string;
  readonly image: (string | null)[] | null;
}

/**
 * The images of one slice that a worker keeps in memory until they are stored. A slice of 4000 rows may have 16 kB per
 * record.
 */
export const MAX_IMAGE_BYTES = 64 * 2 ** 20;

function findStatement(plan: TablePlan, lockFor: FindOptions["lockFor"], withImage: boolean): RowStatement {
  const hasImage = withImage && plan.restored.length > 0;
  const lock = lockFor === undefined ? "" : lockFor === "update" ? "FOR NO KEY UPDATE" : "FOR UPDATE";
  // The first image always counts, so that each attempt gets further.
  const before = "sum(pg_column_size(found.image)) OVER (ORDER BY cells.r) - pg_column_size(found.image)";
  const image = hasImage ? `CASE WHEN ${before} <= ${MAX_IMAGE_BYTES} THEN found.image END` : "NULL::text[]";
  return {
    head: `SELECT cells.r, found.key, found.version, ${image} AS image FROM`,
    tail: `CROSS JOIN LATERAL (
      SELECT ${plan.identityTexts} AS key, ${plan.version} AS version${hasImage ? `, ${plan.image} AS image` : ""}
      FROM ${plan.table} AS t WHERE ${hasIdentity(plan, (index) => `cells.v${index}`)} LIMIT 1 ${lock}
    ) AS found`,
    returning: "",
  };
}
