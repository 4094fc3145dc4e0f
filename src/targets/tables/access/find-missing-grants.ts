import { sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { readTable } from "../read/read-table.ts";
import { isTableAllowed, matchesPattern } from "./allowed-tables.ts";
import { findUntrusted, type TableName, type Untrusted } from "./find-untrusted.ts";
import { missingGrants, type RoleState, readTargetRole } from "./target-role.ts";

export interface TargetTables {
  readonly role: RoleState;
  /** The tables that TARGET_TABLES allows. */
  readonly tables: readonly TableName[];
  /** Entries of TARGET_TABLES without a table, such as `shop.custommers`. */
  readonly withoutTable: readonly string[];
  /** The statements that give the role all that targets may need. */
  readonly grants: readonly string[];
  /** Only of tables into which the role may write. */
  readonly untrusted: readonly Untrusted[];
}

/** More tables are not looked at. */
const MAX_TABLES = 500;

/** Looks at all tables that TARGET_TABLES allows, for the commands of operators. */
export async function findMissingGrants(ctx: Pick<Context, "db" | "config">): Promise<TargetTables> {
  const { allowed, role: name } = ctx.config.tableTargets;
  const tables = await listAllowed(ctx);
  const grants = new Set<string>();
  const writable: TableName[] = [];
  for (const { schema, table } of tables) {
    const facts = await readTable(ctx, schema, table);
    if (!facts) continue;
    const needs = { insert: true, update: true, delete: true };
    for (const grant of missingGrants(facts, name, needs)) grants.add(grant);
    if (facts.columns.some(({ canInsert }) => canInsert)) writable.push({ schema, table });
  }
  const isEmpty = (pattern: TableName) => !tables.some((each) => matchesPattern(pattern, each));
  return {
    role: await readTargetRole(ctx),
    tables,
    withoutTable: allowed.filter(isEmpty).map(({ schema, table }) => `${schema}.${table}`),
    grants: [...grants],
    untrusted: await findUntrusted(ctx, writable),
  };
}

async function listAllowed({ db, config }: Pick<Context, "db" | "config">): Promise<TableName[]> {
  const { rows } = await db.execute<{ schema: string; table: string }>(sql`
    SELECT nspname::text AS schema, relname::text AS table
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname !~ '^pg_' ORDER BY 1, 2`);
  return rows.filter((name) => isTableAllowed(config, name)).slice(0, MAX_TABLES);
}
