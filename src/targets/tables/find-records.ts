/** Finds the records with the keys of rows. */
import type { Tx } from "../../context.ts";
import { type RowStatement, runStatement } from "./row-statements.ts";
import { hasIdentity, recordKeyOf, type TablePlan } from "./table-plan.ts";
import { keyCells, type TableRow } from "./table-rows.ts";

export interface FoundRecord {
  readonly recordKey: string;
  readonly version: string;
  /** The values of the columns that updates write, as texts; null: nothing needs them. */
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

function findStatement(plan: TablePlan, lockFor: FindOptions["lockFor"], withImage: boolean): RowStatement {
  const image = withImage && plan.restored.length > 0 ? plan.image : "NULL::text[]";
  const lock = lockFor === undefined ? "" : lockFor === "update" ? "FOR NO KEY UPDATE" : "FOR UPDATE";
  return {
    head: "SELECT cells.r, found.* FROM",
    tail: `CROSS JOIN LATERAL (
      SELECT ${plan.identityTexts} AS key, ${plan.version} AS version, ${image} AS image FROM ${plan.table} AS t
      WHERE ${hasIdentity(plan, (index) => `cells.v${index}`)} LIMIT 1 ${lock}
    ) AS found`,
    returning: "",
  };
}
