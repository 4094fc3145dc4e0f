/** A defined target whose rows become records, as JSON with typed values. */
import { describeTarget, type TargetVersion } from "../columns/describe-target.ts";
import { toJsonText } from "../columns/json-text.ts";
import { rowCheck } from "../columns/row-check.ts";
import type { Definition } from "../definition/definition.ts";
import type { Columns, SetTarget, Values } from "../target.ts";
import { insertRecords, undoRecords } from "./write-records.ts";

export function typedRecordsTarget(
  definition: Definition,
  version: TargetVersion,
): SetTarget<Columns, Values> {
  return {
    ...describeTarget(definition, version),
    check: (batch) => rowCheck(definition, batch),
    write: (tx, batch, rows) =>
      insertRecords(
        tx,
        batch,
        rows.map(({ row, values }) => ({ row, data: toJsonText(definition, values) })),
      ),
    ...(definition.undo === "none" ? {} : { undo: undoRecords }),
  };
}
