/** Checks the lookups of a definition. */
import type { Context } from "../../../context.ts";
import type { Definition } from "../../definition/definition.ts";
import type { Lookup } from "../../definition/lookup.ts";
import { whyTableRefused } from "../access/allowed-tables.ts";
import { missingGrants } from "../access/target-role.ts";
import { readTable } from "../read/read-table.ts";
import { type ColumnFacts, SUPPORTED_KINDS, type TableFacts } from "../read/table-facts.ts";
import { tableName } from "../read/texts.ts";

/** @returns the errors by field */
export async function checkLookups(
  ctx: Context,
  { columns }: Definition,
  facts: Pick<TableFacts, "columns">,
): Promise<ReadonlyMap<string, string[]>> {
  const errors = new Map<string, string[]>();
  for (const [index, { name, to, lookup, database_type }] of columns.entries()) {
    if (!lookup) continue;
    const own =
      database_type === undefined ? facts.columns.find((column) => column.name === (to ?? name)) : undefined;
    const problem = await checkLookup(ctx, lookup, own);
    if (problem) errors.set(`columns.${index}.lookup.${problem.field}`, [problem.message]);
  }
  return errors;
}

interface Problem {
  readonly field: string;
  readonly message: string;
}

async function checkLookup(
  ctx: Context,
  lookup: Lookup,
  own: ColumnFacts | undefined,
): Promise<Problem | null> {
  const { schema, table, match, value } = lookup;
  const refused = whyTableRefused(ctx.config, lookup);
  if (refused) return { field: "table", message: refused };
  const other = await readTable(ctx, schema, table);
  const label = tableName(lookup);
  if (!other) return { field: "table", message: `the database has no table ${label}.` };
  if (!SUPPORTED_KINDS.some((kind) => kind === other.kind))
    return { field: "table", message: `${label} is a ${other.kind}. Values are looked up in tables only.` };
  const find = (name: string) => other.columns.find((column) => column.name === name);
  for (const [index, name] of match.entries()) {
    const column = find(name);
    if (!column) return { field: `match.${index}`, message: `${label} has no column ${name}.` };
    if (column.category !== "text" || column.isArray)
      return {
        field: `match.${index}`,
        message: `${name} is ${column.type}. Cells are compared with columns of text only.`,
      };
  }
  const found = find(value);
  if (!found) return { field: "value", message: `${label} has no column ${value}.` };
  const isReadable = other.privileges.canUse && [...match, value].every((name) => find(name)?.canSelect);
  if (!isReadable) {
    const grants = missingGrants(other, ctx.config.tableTargets.role, {
      insert: false,
      update: false,
      delete: false,
    });
    return {
      field: "table",
      message: `the role may not read ${label}. As its owner, run: ${grants.join("; ")};`,
    };
  }
  if (own && own.category !== "text" && (own.category !== found.category || own.isArray !== found.isArray))
    return { field: "value", message: `${value} is ${found.type}, but ${own.name} is ${own.type}.` };
  return null;
}
