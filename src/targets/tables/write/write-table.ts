/** Writes a slice of rows into a table, in any mode. Concurrent slices may have the same keys. */
import type { Tx } from "../../../context.ts";
import { failed } from "../../outcomes.ts";
import type { Outcome, TargetBatch } from "../../target.ts";
import type { Outcomes } from "./in-key-order.ts";
import { writeInserts } from "./insert-mode.ts";
import { resolveLookups } from "./lookups.ts";
import { NO_OUTCOME, type TableWriter } from "./table-outcomes.ts";
import type { TableRow } from "./table-rows.ts";
import { claimValues, type Refusal, releaseValues, uniqueColumnsOf } from "./unique-values.ts";
import { writeUpdates } from "./update-mode.ts";

export async function writeTable(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
): Promise<Outcome[]> {
  const { rows: resolved, failures } = await resolveLookups(tx, writer.definition, rows);
  const outcomes = new Map<number, Outcome>();
  for (const [row, errors] of failures) outcomes.set(row, { kind: "failed", errors });
  const named = resolved.filter((row) => {
    const missing = writer.plan.key.find(({ name }) => row.values[name] === null);
    const message = `${missing?.name} must have a value, because it identifies the record.`;
    if (missing) outcomes.set(row.row, failed("required", message, missing.name));
    return !missing;
  });
  const filled = batch.mode === "upsert" ? await withFoundDefaults(tx, writer) : writer;
  for (const [row, outcome] of await writeUnique(tx, filled, batch, named)) outcomes.set(row.row, outcome);
  return rows.map(({ row }) => outcomes.get(row) ?? NO_OUTCOME);
}

/**
 * The default of a look-up column is a cell like any other. One that names no record is left as it is: PostgreSQL then
 * refuses the rows that get it.
 */
async function withFoundDefaults(tx: Tx, writer: TableWriter): Promise<TableWriter> {
  const { definition, defaults } = writer;
  if (!definition.columns.some(({ name, type }) => type === "lookup" && defaults[name] !== undefined))
    return writer;
  const { rows } = await resolveLookups(tx, definition, [{ row: 0, values: defaults }]);
  return { ...writer, defaults: rows[0]?.values ?? defaults };
}

/** A row that fails gives its values to the next row of the slice that has one of them. */
async function writeUnique(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
): Promise<Outcomes> {
  const columns = uniqueColumnsOf(writer.definition);
  if (columns.length === 0) return writeMode(tx, writer, batch, rows);
  const outcomes: Outcomes = new Map();
  let open = rows;
  while (open.length > 0) {
    const refusals = await claimValues(tx, batch.id, columns, open);
    const written = await writeMode(
      tx,
      writer,
      batch,
      open.filter((row) => !refusals.has(row)),
    );
    for (const [row, outcome] of written) outcomes.set(row, outcome);
    const lost = [...written].flatMap(([row, { kind }]) => (kind === "success" ? [] : row));
    await releaseValues(tx, batch.id, columns, lost);
    // A refused row holds no value, so it is no reason to refuse another one.
    const free = new Set([...lost, ...refusals.keys()].map(({ row }) => row));
    for (const [row, { holder, error }] of refusals)
      if (!free.has(holder)) outcomes.set(row, { kind: "failed", errors: [error] });
    open = open.filter((row) => isFree(refusals.get(row), free));
  }
  return outcomes;
}

const isFree = (refusal: Refusal | undefined, free: ReadonlySet<number>) =>
  refusal !== undefined && free.has(refusal.holder);

async function writeMode(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
): Promise<Outcomes> {
  if (rows.length === 0) return new Map();
  const isUpdating = batch.mode === "upsert" || batch.mode === "update";
  return isUpdating ? writeUpdates(tx, writer, batch, rows) : writeInserts(tx, writer, batch, rows);
}
