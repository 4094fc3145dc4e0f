/** Gives the records of later rows of the file to earlier rows, which should have created them. */
import type { Tx } from "../../../context.ts";
import { underSavepoint } from "../../../platform/postgres/database.ts";
import type { DisplacedRow, Outcome, TargetBatch } from "../../target.ts";
import { withTargetRole } from "../access/with-role.ts";
import type { FoundRecord } from "./find-records.ts";
import type { WrittenRecord } from "./insert-records.ts";
import { findLaterRows, type LaterRow } from "./later-records.ts";
import { overwriteRecord } from "./overwrite-record.ts";
import { rowFailureOf } from "./row-statements.ts";
import { created, duplicateInFile, keyError, type TableWriter } from "./table-outcomes.ts";
import type { TableRow } from "./table-rows.ts";

/** A row whose record exists. */
export interface Rival extends FoundRecord {
  readonly row: TableRow;
}

/**
 * Gives records that later rows have created the values of the rows, unless they were changed meanwhile. The records stay:
 * the application may have filled other columns of them, and other records may refer to them. Chunks that ran ahead make
 * this necessary, and rows that were corrected after they had failed.
 * @returns the outcomes of the rows that have a record now
 */
export async function takeRecordsOfLaterRows(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rivals: readonly Rival[],
): Promise<ReadonlyMap<TableRow, Outcome>> {
  const named = rivals.map(({ row, recordKey }) => ({ row: row.row, recordKey }));
  const later = await findLaterRows(tx, batch.id, named, "creator");
  const due = rivals.flatMap((rival) => {
    const former = later.get(rival.recordKey);
    const isNext = former !== undefined && former.row > rival.row.row && former.version === rival.version;
    return isNext ? { rival, former } : [];
  });
  const outcomes = new Map<TableRow, Outcome>();
  for (const { rival, former } of due) {
    const result = await replaceRecord(tx, writer, rival);
    if (!result) continue;
    outcomes.set(rival.row, created(result, displacement(writer, batch, rival.row, former)));
  }
  return outcomes;
}

/** Null: the record stays as it is. */
async function replaceRecord(
  tx: Tx,
  writer: TableWriter,
  { row, ...record }: Rival,
): Promise<WrittenRecord | null> {
  try {
    return await underSavepoint(tx, () =>
      withTargetRole(tx, writer.plan.schema, () => overwriteRecord(tx, writer.plan, row, record)),
    );
  } catch (error) {
    if (rowFailureOf(error)) return null;
    throw error;
  }
}

function displacement(
  writer: TableWriter,
  batch: TargetBatch,
  row: TableRow,
  former: LaterRow,
): DisplacedRow {
  const message = duplicateInFile(writer, row.row, row.values);
  return {
    row: former.row,
    error: batch.mode === "skip_existing" ? null : keyError(writer, "duplicate", message),
    formerMessage: duplicateInFile(writer, former.row, row.values),
  };
}
