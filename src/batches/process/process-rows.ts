/** Validates rows against the rules of their target and lets the target write the valid ones. */
import type { Context, Tx } from "../../context.ts";
import { created, failed } from "../../targets/outcomes.ts";
import { isGroupTarget, isRemote, isRowTarget, type Outcome } from "../../targets/target.ts";
import type { RowOutcome } from "../settle/store-results.ts";
import type { RowsInput } from "./read/chunk-input.ts";
import type { OpenRow } from "./read/read-open-rows.ts";
import { type ValidRow, validateRows } from "./read/validate-rows.ts";
import { handleRows, type RowsAttempt } from "./send/handle-rows.ts";
import { blankSecrets } from "./write/blank-secrets.ts";
import { endStatementOnAbort } from "./write/end-statement.ts";
import { writeRows } from "./write/write-rows.ts";

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
