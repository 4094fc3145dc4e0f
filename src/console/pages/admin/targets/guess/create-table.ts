/** The SQL of a table for the columns of a definition. */
import type { ColumnType, Definition } from "../definition/definition.ts";

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "text",
  integer: "bigint",
  decimal: "numeric",
  boolean: "boolean",
  date: "date",
  timestamp: "timestamptz",
  email: "text",
  url: "text",
  uuid: "uuid",
  enum: "text",
  json: "jsonb",
  array: "text[]",
  lookup: "bigint",
  computed: "text",
  constant: "text",
};

export function createTableSql({ destination, columns, key }: Definition): string {
  const [schema, table] =
    destination.type === "table" ? [destination.schema, destination.table] : ["shop", "rows"];
  const lines = columns.map(({ name, to, type, required, ...rules }) => {
    const { precision, scale = 0, items, max_length } = rules;
    const sqlType =
      type === "decimal" && precision !== undefined
        ? `numeric(${precision}, ${scale})`
        : type === "array" && items
          ? `${SQL_TYPES[items.type]}[]`
          : type === "text" && max_length !== undefined
            ? `varchar(${max_length})`
            : SQL_TYPES[type];
    return `  ${quote(to ?? name)} ${sqlType}${required ? " NOT NULL" : ""}`;
  });
  const inTable = new Map(columns.map(({ name, to }) => [name, to ?? name]));
  const keys = key?.columns.map((name) => quote(inTable.get(name) ?? name)) ?? [];
  if (keys.length > 0) lines.push(`  PRIMARY KEY (${keys.join(", ")})`);
  return `CREATE TABLE ${quote(schema || "public")}.${quote(table || "rows")} (\n${lines.join(",\n")}\n);`;
}

/** Simple names that are no keywords of SQL could stand without quotes, but a list of keywords can be out of date. */
function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
