/**
 * The modes `insert` and `skip_existing`. If rows of a file have the same key, the first row becomes the record, even if
 * it is written last.
 */
import type { Tx } from "../../../context.ts";
import type { Outcome, TargetBatch } from "../../target.ts";
import { withTargetRole } from "../access/with-role.ts";
import { type Outcomes, writeGroups } from "./in-key-order.ts";
import { type InsertResult, insertRecords } from "./insert-records.ts";
import {
  created,
  describeKey,
  duplicateInFile,
  keyError,
  NO_OUTCOME,
  refused,
  skippedByTrigger,
  type TableWriter,
  unchanged,
} from "./table-outcomes.ts";
import { groupByKey, type TableRow } from "./table-rows.ts";
import { takeRecordsOfLaterRows } from "./take-records.ts";
import { withDefaults } from "./update-mode.ts";

export async function writeInserts(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
): Promise<Outcomes> {
  const { plan } = writer;
  const filled = rows.map((row) => withDefaults(writer, row));
  const groups = await withTargetRole(tx, plan.schema, () => groupByKey(tx, plan, filled));
  const taken = new Set<TableRow>();
  const outcomes = await writeGroups(groups, {
    isLastFirst: false,
    write: (candidates) => writeOnce(tx, writer, batch, candidates, taken),
    outcomeAfter: (row, outcome, other) => {
      if (batch.mode === "skip_existing")
        return outcome.kind === "success" ? unchanged(outcome.recordKey ?? null) : undefined;
      if (outcome.kind === "success") return duplicate(writer, duplicateInFile(writer, row.row, row.values));
      return taken.has(row) ? duplicate(writer, exists(writer, other)) : undefined;
    },
  });
  return new Map(rows.map((row, index) => [row, outcomes.get(filled[index] ?? row) ?? NO_OUTCOME]));
}

function duplicate(writer: TableWriter, message: string): Outcome {
  return { kind: "failed", errors: [keyError(writer, "duplicate", message)] };
}

const exists = (writer: TableWriter, { values }: TableRow) =>
  `A record with ${describeKey(writer, values)} already exists.`;

/** @param taken receives the rows whose record exists */
async function writeOnce(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
  taken: Set<TableRow>,
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  const results = await withTargetRole(tx, writer.plan.schema, () => insertRecords(tx, writer, rows));
  const rivals = [...results].flatMap(([row, result]) => (result.kind === "taken" ? { row, ...result } : []));
  const displaced = await takeRecordsOfLaterRows(tx, writer, batch, rivals);
  for (const [row, result] of results) {
    if (result.kind !== "taken") {
      outcomes.set(row, outcomeOf(writer, row, result));
      continue;
    }
    const outcome = displaced.get(row);
    if (!outcome) taken.add(row);
    if (outcome) outcomes.set(row, outcome);
    else if (batch.mode === "skip_existing") outcomes.set(row, unchanged(result.recordKey));
    else outcomes.set(row, duplicate(writer, exists(writer, row)));
  }
  return outcomes;
}

function outcomeOf(
  writer: TableWriter,
  { values }: TableRow,
  result: Exclude<InsertResult, { kind: "taken" }>,
): Outcome {
  if (result.kind === "created") return created(result);
  if (result.kind === "skipped") return skippedByTrigger(writer);
  return refused(writer, result.failure, values);
}
