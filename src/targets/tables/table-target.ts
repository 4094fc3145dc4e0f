/** A defined target whose rows become records of a table of the same database. */
import { MustPause } from "../../errors.ts";
import { defaultsOf } from "../columns/defaults.ts";
import { describeTarget } from "../columns/describe-target.ts";
import { rowCheck } from "../columns/row-check.ts";
import type { Columns, SetTarget, Values } from "../target.ts";
import type { TableFacts } from "./table-facts.ts";
import type { TableWriter } from "./table-outcomes.ts";
import { planTable, type TableDefinition } from "./table-plan.ts";
import { undoTable } from "./undo-table.ts";
import { writeTable } from "./write-table.ts";

interface DefinedTable {
  readonly name: string;
  readonly version: number;
  /** null: the table does not exist any more. */
  readonly table: TableFacts | null;
}

export function tableTarget(
  definition: TableDefinition,
  { table, ...version }: DefinedTable,
): SetTarget<Columns, Values> {
  let writer: TableWriter | undefined;
  // The table may have changed since the definition was saved. That is no reason to refuse reading its batches.
  const getWriter = () => (writer ??= writerOf(definition, table));
  return {
    ...describeTarget(definition, version),
    recordsName: `${definition.destination.schema}.${definition.destination.table}`,
    check: (batch) => rowCheck(definition, batch),
    write: (tx, batch, rows) => writeTable(tx, getWriter(), batch, rows),
    ...(canUndo(definition, table) ? { undo: (tx, _batch, rows) => undoTable(tx, getWriter(), rows) } : {}),
  };
}

/** Records without a key cannot be found again. */
function canUndo({ undo, key }: TableDefinition, table: TableFacts | null): boolean {
  return undo !== "none" && (key !== undefined || (table?.keys.some(({ isPrimary }) => isPrimary) ?? false));
}

/** @throws MustPause if the table does not fit the definition */
function writerOf(definition: TableDefinition, facts: TableFacts | null): TableWriter {
  const { schema, table } = definition.destination;
  if (!facts) throw new MustPause(`The table ${schema}.${table} does not exist any more.`);
  return {
    plan: planTable(definition, facts),
    definition,
    facts,
    names: new Map(definition.columns.map(({ name, to = name }) => [to, name])),
    defaults: defaultsOf(definition),
  };
}
