/** From the cells of rows to an outcome for each: checked against the target's rules, and written by the target. */
import type { Context } from "../context.ts";
import type { RowError } from "../schema/batches.ts";
import type { Columns, Outcome, Target, TargetBatch, TargetRow } from "../targets/target.ts";
import { rowValidator } from "../targets/validate-row.ts";
import { failed } from "./outcomes.ts";
import type { RowOutcome } from "./store-results.ts";
import { writeRows } from "./write-rows.ts";

/** A row without a result. */
export interface OpenRow {
  readonly row: number;
  readonly fields: string[];
  /** What the reader found wrong with it as CSV. */
  readonly problem: string | null;
}

export interface RowsTask {
  readonly batch: TargetBatch;
  readonly target: Target;
  /** Target column to its position in the row. */
  readonly mapping: Readonly<Record<string, number>>;
}

/** @returns an outcome for each row, those that break a rule first */
export async function processRows(
  tx: Context,
  task: RowsTask,
  rows: readonly OpenRow[],
): Promise<RowOutcome[]> {
  const { target, batch } = task;
  const validate = rowValidator(target, task.mapping);
  const outcomes: RowOutcome[] = [];
  const valid: TargetRow<Columns>[] = [];
  for (const { row, fields, problem } of rows) {
    const checked = problem === null ? validate(fields) : { errors: [malformed(problem)] };
    if ("values" in checked) valid.push({ row, fields, values: checked.values });
    else outcomes.push({ row, outcome: { kind: "failed", errors: checked.errors } });
  }
  if (!("write" in target)) throw new Error(`The target ${target.name} does not write sets of rows.`);
  const written = await writeRows(
    tx,
    valid,
    (slice) => target.write(tx, batch, slice),
    (outcome): Outcome => outcome,
  );
  for (const [index, { row }] of valid.entries()) {
    const outcome: Outcome =
      written[index] ?? failed("target_error", "The target gave no outcome for this row.");
    outcomes.push({ row, outcome });
  }
  return outcomes;
}

function malformed(problem: string): RowError {
  return { column: null, code: "malformed", message: problem };
}
