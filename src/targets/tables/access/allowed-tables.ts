import type { Config } from "../../../config/config.ts";
import { isSystemSchema, type TablePattern } from "../../../config/table-settings.ts";
import { tableName } from "../read/texts.ts";
import type { TableName } from "./find-untrusted.ts";

/** Whether TARGET_TABLES allows the table. It never allows those of Rowmill and of PostgreSQL. */
export function isTableAllowed({ tableTargets }: Pick<Config, "tableTargets">, name: TableName): boolean {
  if (isSystemSchema(name.schema)) return false;
  return tableTargets.allowed.some((pattern) => matchesPattern(pattern, name));
}

export function matchesPattern(pattern: TablePattern, { schema, table }: TableName): boolean {
  const matches = (wanted: string, name: string) => wanted === "*" || wanted === name;
  return matches(pattern.schema, schema) && matches(pattern.table, table);
}

/** Says why a table is not allowed, and what to do; null: it is allowed. */
export function whyTableRefused(config: Pick<Config, "tableTargets">, name: TableName): string | null {
  if (isTableAllowed(config, name)) return null;
  if (isSystemSchema(name.schema)) return `targets never use tables of the schema ${name.schema}.`;
  const { allowed } = config.tableTargets;
  const state = allowed.length === 0 ? "it is not set" : "it does not contain this table";
  return `${tableName(name)} is not allowed by TARGET_TABLES: ${state}. An operator can add ${tableName(name)} to it.`;
}
