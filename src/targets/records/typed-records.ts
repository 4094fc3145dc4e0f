/** A defined target whose rows become records, as JSON with typed values. */
import type { Tx } from "../../context.ts";
import { describeTarget, type TargetVersion } from "../columns/describe-target.ts";
import { jsonWriter } from "../columns/json-text.ts";
import { rowCheck } from "../columns/row-check.ts";
import type { Definition } from "../definition/definition.ts";
import { RowPreparation } from "../tables/write/prepare-rows.ts";
import type { Columns, Outcome, SetTarget, TargetBatch, TargetRow, Values } from "../target.ts";
import { insertRecords, undoRecords } from "./write-records.ts";

export function typedRecordsTarget(
  definition: Definition,
  version: TargetVersion,
): SetTarget<Columns, Values> {
  const preparation = new RowPreparation(definition);
  const toJson = jsonWriter(definition);
  return {
    ...describeTarget(definition, version),
    check: (batch) => rowCheck(definition, batch),
    write: (tx, batch, rows) => writeRecords(tx, batch, rows, preparation, toJson),
    ...(definition.undo === "none" ? {} : { undo: undoRecords }),
  };
}

async function writeRecords(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly TargetRow<Values>[],
  preparation: RowPreparation,
  toJson: (values: Values) => string,
): Promise<Outcome[]> {
  const { ready, failures } = await preparation.prepare(tx, batch, rows);
  const records = ready.map(({ row, values }) => ({ row, data: toJson(values) }));
  const written = await insertRecords(tx, batch, records);
  const outcomes = new Map(records.map(({ row }, index) => [row, written[index]]));
  return rows.map(({ row }): Outcome => {
    const errors = failures.get(row);
    if (errors) return { kind: "failed", errors };
    const outcome = outcomes.get(row);
    if (!outcome) throw new Error(`Row ${row} was neither written nor refused.`);
    return outcome;
  });
}
