import { sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import type { Database } from "../../../platform/postgres/database.ts";
import { onCatalogs } from "./catalog-path.ts";
import { readColumns } from "./read-columns.ts";
import { readConstraints } from "./read-constraints.ts";
import { readForeignKeys } from "./read-foreign-keys.ts";
import { readGuards } from "./read-guards.ts";
import type { Privileges, TableFacts } from "./table-facts.ts";

type Relation = Pick<TableFacts, "owner" | "comment" | "isUnlogged" | "children" | "hasRowSecurity"> &
  Omit<Privileges, "missingSequences"> & { oid: string; relkind: string };

const KINDS: Readonly<Record<string, TableFacts["kind"]>> = {
  r: "table",
  p: "partitioned table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
};

/**
 * Reads what the catalogs know about a table. It takes no lock and needs no privilege on the table.
 * @param ctx may be a transaction
 * @returns null if nothing has this name
 */
export function readTable(
  ctx: Pick<Context, "db" | "config">,
  schema: string,
  table: string,
): Promise<TableFacts | null> {
  const { role } = ctx.config.tableTargets;
  return onCatalogs(ctx.db, async (db) => {
    const relation = await readRelation(db, schema, table, role);
    if (!relation) return null;
    const { oid, relkind, roleExists, canUse, canSelect, canInsert, canUpdate, canDelete, ...rest } =
      relation;
    const { missingSequences, ...guards } = await readGuards(db, oid, role);
    return {
      ...rest,
      schema,
      table,
      kind: KINDS[relkind] ?? "other",
      columns: await readColumns(db, oid, role),
      ...(await readConstraints(db, oid)),
      foreignKeys: await readForeignKeys(db, oid, role),
      ...guards,
      privileges: { roleExists, canUse, canSelect, canInsert, canUpdate, canDelete, missingSequences },
    };
  });
}

async function readRelation(
  db: Database,
  schema: string,
  table: string,
  role: string,
): Promise<Relation | null> {
  const may = (privilege: string) =>
    sql`coalesce(has_table_privilege(pg_roles.oid, pg_class.oid, ${privilege}), false)`;
  const { rows } = await db.execute<Relation & Record<string, unknown>>(sql`
    SELECT pg_class.oid::text, relkind::text, pg_get_userbyid(relowner)::text AS owner,
      obj_description(pg_class.oid, 'pg_class') AS comment, relpersistence = 'u' AS "isUnlogged",
      relrowsecurity AS "hasRowSecurity",
      ARRAY(
        SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = pg_class.oid AND NOT child.relispartition ORDER BY 1
      ) AS children,
      pg_roles.oid IS NOT NULL AS "roleExists",
      coalesce(has_schema_privilege(pg_roles.oid, relnamespace, 'USAGE'), false) AS "canUse",
      ${may("SELECT")} AS "canSelect", ${may("INSERT")} AS "canInsert", ${may("UPDATE")} AS "canUpdate",
      ${may("DELETE")} AS "canDelete"
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace LEFT JOIN pg_roles ON rolname = ${role}
    WHERE nspname = ${schema} AND relname = ${table} AND relkind NOT IN ('i', 'I', 't')`);
  return rows[0] ?? null;
}
