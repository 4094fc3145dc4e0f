/** A defined target whose rows become records of a table of the same database. */
import type { Tx } from "../../context.ts";
import { MustPause } from "../../errors.ts";
import { newRecordCheck } from "../columns/check-rules.ts";
import { defaultsOf } from "../columns/defaults.ts";
import { describeTarget, type TargetVersion } from "../columns/describe-target.ts";
import { rowCheck } from "../columns/row-check.ts";
import type { Columns, SetTarget, Values } from "../target.ts";
import { checkTableDestination } from "./check/check-table.ts";
import { readTable } from "./read/read-table.ts";
import { newTableRecords } from "./write/new-table-records.ts";
import type { TableWriter } from "./write/table-outcomes.ts";
import { planTable, type TableDefinition } from "./write/table-plan.ts";
import { undoTable } from "./write/undo-table.ts";
import { writeTable } from "./write/write-table.ts";

export interface TableTargetFacts extends TargetVersion {
  /** Whether the table has a primary key, by which undo finds records if the definition has no key. */
  readonly hasPrimaryKey: boolean;
}

/** Reads the table when the first rows are written: lists of targets and uploads need only the definition. */
export function tableTarget(
  definition: TableDefinition,
  { hasPrimaryKey, ...version }: TableTargetFacts,
): SetTarget<Columns, Values> {
  const { schema, table } = definition.destination;
  let writer: TableWriter | undefined;
  const writerFor = async (tx: Tx) => {
    writer ??= await readWriter(tx, definition);
    return writer;
  };
  const canUndo = definition.undo !== "none" && (definition.key !== undefined || hasPrimaryKey);
  return {
    ...describeTarget(definition, version),
    recordsName: `${schema}.${table}`,
    check: (batch) => rowCheck(definition, batch),
    newRecords: async (tx, batch) => newTableRecords(await writerFor(tx), batch, rowCheck(definition, batch)),
    write: async (tx, batch, rows) => writeTable(tx, await writerFor(tx), batch, rows),
    ...(canUndo ? { undo: async (tx, _batch, rows) => undoTable(tx, await writerFor(tx), rows) } : {}),
  };
}

/**
 * The table, the owners of its code and TARGET_TABLES may have changed since the definition was saved.
 * @throws MustPause if they do not fit the definition any more
 */
async function readWriter(tx: Tx, definition: TableDefinition): Promise<TableWriter> {
  const { schema, table } = definition.destination;
  const facts = await readTable(tx, schema, table);
  if (!facts) throw new MustPause(`The table ${schema}.${table} does not exist any more.`);
  const { errors } = await checkTableDestination(tx, definition);
  const [wrong] = Object.entries(errors);
  if (wrong)
    throw new MustPause(
      `The table ${schema}.${table} does not fit the target any more: ${wrong[0]}: ${wrong[1].join(" ")}`,
    );
  return {
    plan: planTable(definition, facts),
    definition,
    facts,
    names: new Map(definition.columns.map(({ name, to = name }) => [to, name])),
    defaults: defaultsOf(definition),
    checkNew: newRecordCheck(definition),
  };
}
