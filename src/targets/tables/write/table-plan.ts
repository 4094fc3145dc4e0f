/** The parts of the statements that write a table, made once from the definition and the facts about the table. */
import { MustPause } from "../../../errors.ts";
import type { ColumnDefinition } from "../../definition/column.ts";
import type { Definition } from "../../definition/definition.ts";
import type { TableDestination } from "../../definition/destination.ts";
import { quoteName } from "../read/quote-name.ts";
import type { ColumnFacts, TableFacts } from "../read/table-facts.ts";
import { castTypeOf, comparable, equalityOf, hashable, isEqualAsText } from "./column-types.ts";

export type TableDefinition = Definition & { readonly destination: TableDestination };

/** A column that the target writes. */
export interface PlanColumn {
  /** In `Values`. */
  readonly name: string;
  /** In the table. */
  readonly to: string;
  readonly quoted: string;
  readonly type: string;
  readonly isKey: boolean;
  /** Whether updates of existing records write it. */
  readonly isUpdated: boolean;
  /** Whether leaving it out of an INSERT differs from null. */
  readonly hasDefault: boolean;
  readonly facts: ColumnFacts;
  /** In the definition. */
  readonly cellType: ColumnDefinition["type"];
}

/** A column that identifies records. */
interface IdentityColumn {
  readonly to: string;
  readonly quoted: string;
  readonly type: string;
  readonly equality: string;
}

/** In the parts that are SQL, the table has the alias `t`. */
export interface TablePlan {
  readonly schema: string;
  /** Qualified and quoted. */
  readonly table: string;
  readonly label: string;
  readonly columns: readonly PlanColumn[];
  /** The columns of the key of the definition. Empty: every row is a new record. */
  readonly key: readonly PlanColumn[];
  /** The key, or the primary key of a target without a key. Empty: records cannot be found again. */
  readonly identity: readonly IdentityColumn[];
  /** Whether only the database knows which keys are equal. */
  readonly hasOwnKeyEquality: boolean;
  /** SQL: the identity as an array of texts. */
  readonly identityTexts: string;
  /** SQL: a hash of all columns that the target names. */
  readonly version: string;
  /** The columns that undo restores. */
  readonly restored: readonly PlanColumn[];
  /** SQL: their values as an array of texts. */
  readonly image: string;
  /** Whether a trigger may skip rows. */
  readonly skips: { readonly insert: boolean; readonly update: boolean };
  readonly onlyIfChanged: boolean;
  readonly canUndo: boolean;
}

/** @throws MustPause if the table does not have a column of the definition */
export function planTable(definition: TableDefinition, facts: TableFacts): TablePlan {
  const { schema, table } = definition.destination;
  const keyNames = new Set(definition.key?.columns ?? []);
  const columns = definition.columns.map((column) => planColumn(definition, facts, column, keyNames));
  const key = columns.filter(({ isKey }) => isKey);
  const primary = facts.keys.find(({ isPrimary }) => isPrimary)?.columns ?? [];
  const identity = (key.length > 0 ? key.map(({ to }) => to) : primary).map((to) =>
    identityColumn(factsOf(facts, to)),
  );
  const restored = columns.filter(({ isUpdated }) => isUpdated);
  const hashed = columns.map((column) => hashable(column.facts, `t.${column.quoted}`));
  return {
    schema,
    table: `${quoteName(schema)}.${quoteName(table)}`,
    label: `${schema}.${table}`,
    columns,
    key,
    identity,
    hasOwnKeyEquality: key.some((column) => !isEqualAsText(column.facts, column.cellType)),
    identityTexts: textArray(identity.map(({ quoted }) => `t.${quoted}`)),
    version: `hash_record_extended(ROW(${hashed.join(", ")}), 0)::text`,
    restored,
    image: textArray(restored.map(({ quoted }) => `t.${quoted}`)),
    skips: { insert: maySkip(facts, "INSERT"), update: maySkip(facts, "UPDATE") },
    onlyIfChanged: definition.update?.only_if_changed ?? true,
    canUndo: definition.undo !== "none" && identity.length > 0,
  };
}

const textArray = (values: readonly string[]) =>
  `ARRAY[${values.map((value) => `${value}::text`).join(", ")}]::text[]`;

function factsOf(facts: TableFacts, name: string): ColumnFacts {
  const found = facts.columns.find((column) => column.name === name);
  if (!found)
    throw new MustPause(`The table ${facts.schema}.${facts.table} has no column "${name}" any more.`);
  return found;
}

function planColumn(
  { update }: TableDefinition,
  table: TableFacts,
  { name, to = name, type: cellType, on_update, database_type }: ColumnDefinition,
  keyNames: ReadonlySet<string>,
): PlanColumn {
  const facts = factsOf(table, to);
  const isKey = keyNames.has(name);
  const isListed = update?.columns ? update.columns.includes(name) : true;
  return {
    name,
    to,
    quoted: quoteName(to),
    type: database_type ?? castTypeOf(facts),
    isKey,
    isUpdated: !isKey && isListed && on_update !== "never",
    hasDefault: facts.hasDefault,
    facts,
    cellType,
  };
}

function identityColumn(facts: ColumnFacts): IdentityColumn {
  const quoted = quoteName(facts.name);
  return { to: facts.name, quoted, type: castTypeOf(facts), equality: equalityOf(facts) };
}

/** AFTER triggers cannot skip a row; rules can. */
function maySkip({ triggers, rules }: TableFacts, event: "INSERT" | "UPDATE"): boolean {
  return rules.length > 0 || triggers.some(({ when }) => !when.startsWith("AFTER") && when.includes(event));
}

/** SQL: whether a column of the table differs from a value. */
export function differs({ facts, quoted }: PlanColumn, value: string): string {
  return `${comparable(facts, `t.${quoted}`)} IS DISTINCT FROM ${comparable(facts, value)}`;
}

/** SQL: whether the record has the identity in these columns of `cells`. */
export function hasIdentity({ identity }: TablePlan, cellOf: (index: number) => string): string {
  return identity
    .map(({ quoted, type, equality }, index) => `t.${quoted} ${equality} ${cellOf(index)}::${type}`)
    .join(" AND ");
}

/** For example `{"external_id":"DE1042"}`. */
export function recordKeyOf({ identity }: TablePlan, texts: readonly (string | null)[]): string {
  return JSON.stringify(Object.fromEntries(identity.map(({ to }, index) => [to, texts[index] ?? null])));
}
