import type { Tx } from "../../../context.ts";
import type { WrittenRecord } from "./insert-records.ts";
import type { VersionedRecord } from "./reverse-records.ts";
import { runStatement } from "./row-statements.ts";
import { hasIdentity, type TablePlan } from "./table-plan.ts";
import { type TableRow, textsOf } from "./table-rows.ts";
import { identityCells } from "./update-records.ts";

/**
 * Gives a record the values that a new record of the row would have. Columns that the target does not name keep theirs.
 * @returns null if the record was changed, or a trigger skipped it
 */
export async function overwriteRecord(
  tx: Tx,
  plan: TablePlan,
  row: TableRow,
  record: VersionedRecord,
): Promise<WrittenRecord | null> {
  const cells = [...identityCells(plan, [record]), [record.version]];
  const isRecord = hasIdentity(plan, (index) => `cells.v${index}`);
  const isSame = `${isRecord} AND ${plan.version} = cells.v${plan.identity.length}`;
  const assignments = plan.columns
    .filter(({ isKey }) => !isKey)
    .map((column) => {
      if (row.values[column.name] === undefined && column.hasDefault) return `${column.quoted} = DEFAULT`;
      return `${column.quoted} = cells.v${cells.push(textsOf([row], column)) - 1}::${column.type}`;
    });
  const returned = `cells.r, ${plan.version} AS version`;
  const statement =
    assignments.length > 0
      ? {
          head: `UPDATE ${plan.table} AS t SET ${assignments.join(", ")} FROM`,
          tail: `WHERE ${isSame}`,
          returning: `RETURNING ${returned}`,
        }
      : { head: `SELECT ${returned} FROM ${plan.table} AS t,`, tail: `WHERE ${isSame}`, returning: "" };
  const [written] = await runStatement<{ r: number; version: string }>(tx, statement, cells, 1);
  return written ? { recordKey: record.recordKey, version: written.version } : null;
}
