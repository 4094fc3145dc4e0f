/** Makes the outcomes of rows, and says what PostgreSQL has against a row. */
import type pg from "pg";
import { MustPause, Permanent } from "../../../errors.ts";
import type { RowError } from "../../../schema/batches.ts";
import type { Definition } from "../../definition/definition.ts";
import { failed } from "../../outcomes.ts";
import type { DisplacedRow, Outcome, Values } from "../../target.ts";
import type { TableFacts } from "../read/table-facts.ts";
import { shortened } from "../read/texts.ts";
import { explainWriteError } from "./explain-write-error.ts";
import type { TablePlan } from "./table-plan.ts";

/** Everything about the target that does not depend on a batch. */
export interface TableWriter {
  readonly plan: TablePlan;
  readonly definition: Definition;
  readonly facts: TableFacts;
  /** Columns of the table to the `name` of the column of the target. */
  readonly names: ReadonlyMap<string, string>;
  /** The values of new records for columns without a value. */
  readonly defaults: Values;
  /** The broken rules of a record that `upsert` creates. */
  readonly checkNew: (values: Values) => readonly RowError[];
}

interface Written {
  readonly recordKey: string | null;
  readonly version?: string;
}

function success(
  effect: "created" | "updated" | "unchanged",
  { recordKey, version }: Written,
): Extract<Outcome, { kind: "success" }> {
  return {
    kind: "success",
    recordId: null,
    effect,
    ...(recordKey === null ? {} : { recordKey }),
    ...(recordKey === null || version === undefined ? {} : { recordVersion: version }),
  };
}

export function created(record: Written, displaces?: DisplacedRow): Outcome {
  return { ...success("created", record), ...(displaces ? { displaces } : {}) };
}

export function updated(record: Written, before: object | null): Outcome {
  return { ...success("updated", record), ...(before ? { before } : {}) };
}

export function unchanged(recordKey: string | null): Outcome {
  return success("unchanged", { recordKey });
}

export function skippedByTrigger({ plan }: TableWriter): Outcome {
  return failed("skipped_by_trigger", `A trigger of ${plan.label} skipped this row, so nothing was written.`);
}

/** @throws MustPause if every row would fail */
export function refused({ facts, names }: TableWriter, error: pg.DatabaseError, values: Values): Outcome {
  const explained = explainWriteError(error, { facts, names, values });
  if (explained instanceof Permanent) return failed(explained.code, explained.message, explained.column);
  throw explained;
}

/** @throws MustPause if the failed statement says that every row would fail */
export function requireWritable({ facts, names }: TableWriter, error: unknown): void {
  const explained = explainWriteError(error, { facts, names });
  if (explained instanceof MustPause) throw explained;
}

/** For a row that the code has forgotten. */
export const NO_OUTCOME = failed("target_error", "The row has no outcome.");

/** For example `external_id "DE1042"`. */
export function describeKey({ plan }: TableWriter, values: Values): string {
  return plan.key.map(({ name }) => `${name} "${shortened(values[name] ?? "")}"`).join(", ");
}

export function duplicateInFile(writer: TableWriter, row: number, values: Values): string {
  return `Row ${row} of this file has the same ${describeKey(writer, values)}.`;
}

export function keyError(writer: TableWriter, code: string, message: string) {
  const [column, ...others] = writer.plan.key;
  return { column: column && others.length === 0 ? column.name : null, code, message };
}
