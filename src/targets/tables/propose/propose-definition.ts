import type { ColumnDefinition } from "../../definition/column.ts";
import type { Definition } from "../../definition/definition.ts";
import { bareName } from "../../names.ts";
import type { TableName } from "../access/find-untrusted.ts";
import type { ColumnFacts, ForeignKeyFacts, KeyFacts, TableFacts } from "../read/table-facts.ts";
import { notesOf } from "../read/table-notes.ts";
import { proposeColumn, shorten } from "./propose-column.ts";

export interface Proposal {
  readonly definition: Definition;
  /** Facts about the table that an administrator should know. */
  readonly notes: readonly string[];
}

const MAX_COLUMNS = 400;

/**
 * Proposes a definition for a table.
 * @param mayLookUp whether values may be looked up in another table; otherwise files have its ids
 */
export function proposeDefinition(
  facts: TableFacts,
  mayLookUp: (table: TableName) => boolean = () => true,
): Proposal {
  const notes: string[] = [];
  const proposed: { facts: ColumnFacts; column: ColumnDefinition }[] = [];
  for (const column of facts.columns) {
    const lookup = lookupFor(facts, column, mayLookUp);
    const found = proposeColumn(facts, column, lookup);
    if (typeof found === "string") notes.push(`The column ${column.name} (${column.type}) ${found}`);
    else if (proposed.length < MAX_COLUMNS) proposed.push({ facts: column, column: found });
    else notes.push(`The column ${column.name} is left out: a target has at most ${MAX_COLUMNS} columns.`);
  }
  const columns = withDistinctNames(facts, proposed);
  const key = chooseKey(facts, columns);
  const title = shorten(facts.comment?.split("\n")[0]?.trim() || titleOf(facts.table), 100);
  const definition: Definition = {
    title,
    ...(facts.comment && facts.comment.trim() !== title
      ? { description: shorten(facts.comment.trim(), 1000) }
      : {}),
    destination: { type: "table", schema: facts.schema, table: facts.table },
    ...keyed(facts, columns, key),
    columns: columns.map(({ facts: { name, hasDefault }, column }) =>
      // A record is found by it. Records whose key PostgreSQL makes are new.
      key?.columns.includes(name) && !hasDefault ? { ...column, required: true } : column,
    ),
  };
  return { definition, notes: [...notes, ...notesOf(facts)] };
}

interface Proposed {
  readonly facts: ColumnFacts;
  readonly column: ColumnDefinition;
}

function lookupFor(
  { foreignKeys }: TableFacts,
  { name }: ColumnFacts,
  mayLookUp: (table: TableName) => boolean,
): ForeignKeyFacts | undefined {
  return foreignKeys.find(
    ({ columns: [first, ...others], uniqueTextColumns, ...other }) =>
      first === name && others.length === 0 && uniqueTextColumns.length > 0 && mayLookUp(other),
  );
}

/** A lookup keeps the name of its column of the table if another column has the short name. */
function withDistinctNames(facts: TableFacts, proposed: readonly Proposed[]): Proposed[] {
  const taken = new Set(facts.columns.map(({ name }) => bareName(name)));
  return proposed.map(({ facts: own, column: { to, ...column } }) => {
    if (to === undefined || (bareName(column.name) !== "" && !taken.has(bareName(column.name)))) {
      taken.add(bareName(column.name));
      return { facts: own, column: to === undefined ? column : { ...column, to } };
    }
    return { facts: own, column: { ...column, name: own.name } };
  });
}

/**
 * The key whose columns files have: without defaults, such as numbers of a sequence, never null, and as short as possible. A
 * partitioned table has its partition key in every unique key.
 */
function chooseKey(facts: TableFacts, columns: readonly Proposed[]): KeyFacts | undefined {
  const named = new Map(columns.map((column) => [column.facts.name, column]));
  const candidates = facts.keys.filter(
    (key) => key.usable && key.columns.length > 0 && key.columns.every((column) => named.has(column)),
  );
  const cost = (key: KeyFacts) => {
    const hasDefault = key.columns.some((column) => named.get(column)?.facts.hasDefault);
    const isOptional = key.columns.some((column) => !named.get(column)?.facts.isNotNull);
    return (hasDefault ? 100 : 0) + (isOptional ? 50 : 0) + key.columns.length * 2 - (key.isPrimary ? 1 : 0);
  };
  return candidates.toSorted((a, b) => cost(a) - cost(b))[0];
}

function keyed(
  { privileges, rules, keys, columns: all }: TableFacts,
  columns: readonly Proposed[],
  key: KeyFacts | undefined,
): Pick<Definition, "key" | "mode" | "update" | "undo"> {
  const canUndo = privileges.canSelect && privileges.canDelete;
  if (!key) {
    const undo = canUndo && keys.some(({ isPrimary }) => isPrimary) ? "record_before_image" : "none";
    return { mode: { default: "insert", allowed: ["insert"] }, undo };
  }
  const isKey = ({ facts: { name } }: Proposed) => key.columns.includes(name);
  const canRead = key.columns.every((name) => all.find((column) => column.name === name)?.canSelect);
  const updated = columns.filter((column) => !isKey(column) && column.facts.canUpdate);
  const canUpdate = canRead && updated.length > 0 && rules.length === 0;
  const isPart = updated.length < columns.filter((column) => !isKey(column)).length;
  const isMade = key.columns.some((name) => all.find((column) => column.name === name)?.hasDefault);
  const nameOf = (wanted: string) =>
    columns.find(({ facts: { name } }) => name === wanted)?.column.name ?? wanted;
  return {
    key: { columns: key.columns.map(nameOf) },
    mode: canUpdate
      ? { default: isMade ? "insert" : "upsert", allowed: ["insert", "upsert", "update", "skip_existing"] }
      : { default: "insert", allowed: canRead ? ["insert", "skip_existing"] : ["insert"] },
    ...(canUpdate && isPart
      ? { update: { columns: updated.slice(0, 50).map(({ column }) => column.name) } }
      : {}),
    undo: canUndo ? "record_before_image" : "none",
  };
}

function titleOf(table: string): string {
  const words = table.replace(/_+/g, " ").trim() || table;
  return words.charAt(0).toUpperCase() + words.slice(1);
}
