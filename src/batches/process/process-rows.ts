/** Validates rows against the rules of their target and lets the target write the valid ones. */
import type { Context, Tx } from "../../context.ts";
import { countExtraFields } from "../../platform/csv/open-csv.ts";
import { created, failed } from "../../targets/outcomes.ts";
import {
  isGroupTarget,
  isRemote,
  isRowTarget,
  type Outcome,
  type Target,
  type TargetBatch,
  type TargetRow,
  type Values,
} from "../../targets/target.ts";
import { rowValidator } from "../../targets/validate-row.ts";
import { blankSecrets } from "./blank-secrets.ts";
import { endStatementOnAbort } from "./end-statement.ts";
import { handleRows, type RowsAttempt } from "./handle-rows.ts";
import type { RowOutcome } from "./store-results.ts";
import { writeRows } from "./write-rows.ts";

/** A row without a result. */
export interface OpenRow {
  readonly row: number;
  /** Reserved for the record. */
  readonly id?: number | undefined;
  readonly fields: string[];
  /** Why the row is not valid CSV; null if it is. */
  readonly problem: string | null;
}

export interface RowsInput {
  readonly batch: TargetBatch;
  readonly target: Target;
  /** The caller rolls back the records of a dry run. Other targets act outside the database, so they are not called. */
  readonly isDryRun: boolean;
}

/**
 * @param ctx outside the transaction, for row targets
 * @param tx for set targets
 * @returns an outcome per row, invalid rows first; rows that a row target has not started or given up have no outcome
 */
export async function processRows(
  ctx: Context,
  tx: Tx,
  input: RowsInput,
  rows: readonly OpenRow[],
  attempt: RowsAttempt,
): Promise<RowOutcome[]> {
  const { valid, invalid } = validateRows(input, rows);
  const outcomes = [...invalid, ...(await runTarget(ctx, tx, input, valid, attempt))];
  if (input.target.secrets) {
    const succeeded = new Set(
      outcomes.filter(({ outcome }) => outcome.kind === "success").map(({ row }) => row),
    );
    await blankSecrets(
      tx,
      input.target,
      input.batch,
      rows.filter(({ row }) => succeeded.has(row)),
    );
  }
  return outcomes;
}

type ValidRow = TargetRow<Values>;

/** Checks rows against the rules of their target. */
export function validateRows({ target, batch }: RowsInput, rows: readonly OpenRow[]) {
  const validate = target.check?.(batch) ?? rowValidator(target, batch.mapping);
  const valid: ValidRow[] = [];
  const invalid: RowOutcome[] = [];
  for (const { row, id, fields, problem } of rows) {
    const malformed = problem ?? tooManyFields(target, batch, fields);
    if (malformed !== null) {
      invalid.push({ row, outcome: failed("malformed", malformed) });
      continue;
    }
    const validated = validate(fields, row);
    if ("values" in validated) valid.push({ row, id, fields, values: validated.values });
    else invalid.push({ row, outcome: { kind: "failed", errors: validated.errors } });
  }
  return { valid, invalid };
}

export function tooManyFields(target: Target, batch: TargetBatch, fields: readonly string[]): string | null {
  const columns = batch.header.length;
  if (!target.isStrict || countExtraFields(fields, columns) === 0) return null;
  return `The row has ${fields.length} fields, but the header has ${columns}. Put quotes around a cell that contains the delimiter.`;
}

async function runTarget(
  ctx: Context,
  tx: Tx,
  { target, batch, isDryRun }: RowsInput,
  rows: readonly ValidRow[],
  attempt: RowsAttempt,
): Promise<RowOutcome[]> {
  if (isDryRun && isRemote(target)) return rows.map(({ row }) => ({ row, outcome: created(0) }));
  if (isRowTarget(target)) return handleRows(ctx, target, batch, rows, attempt);
  if (isGroupTarget(target))
    throw new Error(`The rows for ${target.name} are sent in groups, chunk by chunk.`);
  await using _ = await endStatementOnAbort(ctx, tx, attempt.signal);
  const outcomes = await writeRows(
    tx,
    rows,
    (slice) => target.write(tx, batch, slice),
    (outcome): Outcome => outcome,
    attempt.signal,
  );
  return rows.map(({ row }, index) => ({ row, outcome: outcomes[index] ?? NO_OUTCOME }));
}

const NO_OUTCOME = failed("target_error", "The target returned no outcome for this row.");
