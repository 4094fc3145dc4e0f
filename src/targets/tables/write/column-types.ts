/** How the types of PostgreSQL are cast, compared and hashed. All functions return SQL. */
import type { ColumnType } from "../../definition/column.ts";
import { quoteName } from "../read/quote-name.ts";
import type { Category, ColumnFacts } from "../read/table-facts.ts";

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
const EQUAL_AS_TEXT: ReadonlySet<Category> = new Set(["integer", "boolean", "date", "uuid"]);

/** Whether two values are equal if and only if their texts are. A cell of the type text may write a number as 01. */
export function isEqualAsText(column: ColumnFacts, cellType: ColumnType): boolean {
  if (column.isArray || column.hasOwnEquality || column.baseName === "bpchar") return false;
  if (column.category === "text" || column.category === "enum") return true;
  return EQUAL_AS_TEXT.has(column.category) && (cellType === column.category || cellType === "lookup");
}

/** The operator of an extension is in the schema of the extension, which the search path does not have. */
export function equalityOf(column: ColumnFacts): string {
  const isOfExtension = isCitext(column) || column.category === "other";
  const schema = /^(.+)\.[^.]+$/.exec(column.type)?.[1];
  return isOfExtension && column.domain === null && schema ? `OPERATOR(${schema}.=)` : "=";
}

const COMPARED_AS_TEXT: ReadonlySet<Category> = new Set(["composite", "interval", "other"]);

/**
 * A value for comparisons with later values. Types without equality are compared as text, and so are those that count
 * different values as equal: a change of case is a change, and `30 days` are not `1 month`.
 */
export function comparable(column: ColumnFacts, value: string): string {
  const isText = COMPARED_AS_TEXT.has(column.category) || column.baseName === "json" || column.hasOwnEquality;
  return isText ? `${value}::text COLLATE pg_catalog."C"` : value;
}

/** A value for hashes. The hash of an enum is that of its internal number, which a restored backup changes. */
export function hashable(column: ColumnFacts, value: string): string {
  return column.category === "enum" || column.category === "range" || column.category === "network"
    ? `${value}::text`
    : comparable(column, value);
}
