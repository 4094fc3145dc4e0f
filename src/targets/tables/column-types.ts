/** How the types of PostgreSQL are cast, compared and hashed. All functions return SQL. */
import { quoteName } from "./quote-name.ts";
import type { Category, ColumnFacts } from "./table-facts.ts";

const BUILT_IN: ReadonlySet<Category> = new Set([
  "text",
  "integer",
  "decimal",
  "float",
  "boolean",
  "date",
  "timestamp",
  "time",
  "interval",
  "uuid",
  "json",
  "bytes",
  "network",
]);

const isCitext = ({ baseName }: ColumnFacts) => baseName === "citext";

/**
 * The type that cells are cast to. It has no length: a cast to varchar(3) would cut off a longer text, and the
 * assignment to the column refuses it. For the same reason it is the type below a domain.
 */
export function castTypeOf(column: ColumnFacts): string {
  if (!BUILT_IN.has(column.category) || isCitext(column)) return column.type;
  return `pg_catalog.${quoteName(column.baseName)}${column.isArray ? "[]" : ""}`;
}

/** The types whose equality is that of their text, so that records with the same key need no look at the database. */
const EQUAL_AS_TEXT: ReadonlySet<Category> = new Set(["integer", "boolean", "date", "uuid", "enum", "text"]);

/** Whether two values are equal if and only if their texts are. */
export function isEqualAsText(column: ColumnFacts): boolean {
  if (column.isArray || column.hasOwnEquality || column.baseName === "bpchar") return false;
  return EQUAL_AS_TEXT.has(column.category);
}

/** The operator of an extension is in the schema of the extension, which the search path does not have. */
export function equalityOf(column: ColumnFacts): string {
  const isOfExtension = isCitext(column) || column.category === "other";
  const schema = /^(.+)\.[^.]+$/.exec(column.type)?.[1];
  return isOfExtension && column.domain === null && schema ? `OPERATOR(${schema}.=)` : "=";
}

const WITHOUT_EQUALITY: ReadonlySet<Category> = new Set(["composite", "other"]);

/**
 * A value for comparisons with later values. Types without equality are compared as text, and citext as well, because a
 * change of case is a change.
 */
export function comparable(column: ColumnFacts, value: string): string {
  const isText = WITHOUT_EQUALITY.has(column.category) || column.baseName === "json" || isCitext(column);
  return isText ? `${value}::text` : value;
}

/** A value for hashes. The hash of an enum is that of its internal number, which a restored backup changes. */
export function hashable(column: ColumnFacts, value: string): string {
  return column.category === "enum" || column.category === "range" || column.category === "network"
    ? `${value}::text`
    : comparable(column, value);
}
