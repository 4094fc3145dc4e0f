/** Checks rows against the rules of their target. */
import { countExtraFields } from "../../../platform/csv/open-csv.ts";
import { failed } from "../../../targets/outcomes.ts";
import type { Target, TargetBatch, TargetRow, Values } from "../../../targets/target.ts";
import { rowValidator } from "../../../targets/validate-row.ts";
import type { RowOutcome } from "../../settle/store-results.ts";
import type { RowsInput } from "./chunk-input.ts";
import type { OpenRow } from "./read-open-rows.ts";

/** A row that meets the rules of its target. */
export type ValidRow = TargetRow<Values>;

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

/** @returns the message of a strict target for a row with more fields than the header; null if the row is accepted */
export function tooManyFields(target: Target, batch: TargetBatch, fields: readonly string[]): string | null {
  const columns = batch.header.length;
  if (!target.isStrict || countExtraFields(fields, columns) === 0) return null;
  return `The row has ${fields.length} fields, but the header has ${columns}. Put quotes around a cell that contains the delimiter.`;
}
