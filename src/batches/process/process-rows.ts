/** From the cells of rows to an outcome for each: checked against the target's rules, and written by the target. */
import type { Context, Tx } from "../../context.ts";
import { countExtraFields } from "../../platform/csv/open-csv.ts";
import type { RowError } from "../../schema/batches.ts";
import type { Columns, Outcome, Target, TargetBatch, TargetRow } from "../../targets/target.ts";
import { rowValidator } from "../../targets/validate-row.ts";
import { blankSecrets } from "./blank-secrets.ts";
import { endStatementOnAbort } from "./end-statement.ts";
import { handleRows, type RowsAttempt } from "./handle-rows.ts";
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

export interface RowsInput {
  readonly batch: TargetBatch;
  readonly target: Target;
  /** What is written is undone by the caller; what a row-wise target would do outside could not be, so it is not done. */
  readonly isDryRun: boolean;
}

const WOULD_BE_HANDLED: Outcome = { kind: "success", recordId: 0, effect: "created" };

/**
 * @param ctx for targets that handle a row at a time: what they do outlives the transaction
 * @param tx for targets that write sets of rows
 * @returns an outcome for each row, those that break a rule first; none for rows that the signal left untouched
 */
export async function processRows(
  ctx: Context,
  tx: Tx,
  input: RowsInput,
  rows: readonly OpenRow[],
  attempt: RowsAttempt,
): Promise<RowOutcome[]> {
  const outcomes = await outcomesOf(ctx, tx, input, rows, attempt);
  if (input.target.secrets) {
    const done = new Set(outcomes.filter(({ outcome }) => outcome.kind === "success").map(({ row }) => row));
    await blankSecrets(
      tx,
      input.target,
      input.batch,
      rows.filter(({ row }) => done.has(row)),
    );
  }
  return outcomes;
}

async function outcomesOf(
  ctx: Context,
  tx: Tx,
  input: RowsInput,
  rows: readonly OpenRow[],
  attempt: RowsAttempt,
): Promise<RowOutcome[]> {
  const { target, batch } = input;
  const validate = rowValidator(target, batch.mapping);
  const outcomes: RowOutcome[] = [];
  const valid: TargetRow<Columns>[] = [];
  for (const { row, fields, problem } of rows) {
    const wrong = problem ?? tooManyFields(input, fields);
    const checked = wrong === null ? validate(fields) : { errors: [malformed(wrong)] };
    if ("values" in checked) valid.push({ row, fields, values: checked.values });
    else outcomes.push({ row, outcome: { kind: "failed", errors: checked.errors } });
  }
  if ("handle" in target) {
    const handled = input.isDryRun
      ? valid.map(({ row }) => ({ row, outcome: WOULD_BE_HANDLED }))
      : await handleRows(ctx, target, batch, valid, attempt);
    return [...outcomes, ...handled];
  }
  await using _ = await endStatementOnAbort(ctx, tx, attempt.signal);
  const written = await writeRows(
    tx,
    valid,
    (slice) => target.write(tx, batch, slice),
    (outcome): Outcome => outcome,
    attempt.signal,
  );
  for (const [index, { row }] of valid.entries()) {
    const outcome: Outcome =
      written[index] ?? failed("target_error", "The target gave no outcome for this row.");
    outcomes.push({ row, outcome });
  }
  return outcomes;
}

function tooManyFields({ target, batch }: RowsInput, fields: readonly string[]): string | null {
  const columns = batch.header.length;
  return target.isStrict && countExtraFields(fields, columns) > 0
    ? `The row has ${fields.length} fields where the header has ${columns}; a delimiter inside a cell needs quotes around the cell.`
    : null;
}

function malformed(problem: string): RowError {
  return { column: null, code: "malformed", message: problem };
}
