/** The role of TARGET_ROLE, and the statements that give it what it needs. */
import { sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { APP_ROLE } from "../../../platform/postgres/app-role.ts";
import { rowmill } from "../../../schema/columns.ts";
import type { Privileges, TableFacts } from "../read/table-facts.ts";
import { quoted } from "../read/texts.ts";

export interface RoleState {
  readonly exists: boolean;
  /** Whether the session may take the role. */
  readonly canSet: boolean;
  /** Whether it can do more than write into tables: a superuser, or a role that may read the tables of Rowmill. */
  readonly isPowerful: boolean;
  /** Statements that an administrator of the database must run before Rowmill can take the role. */
  readonly statements: readonly string[];
}

/** Reads whether the role exists, whether the session may take it, and what is missing. */
export async function readTargetRole(ctx: Pick<Context, "db" | "config">): Promise<RoleState> {
  const { role } = ctx.config.tableTargets;
  const { rows } = await ctx.db.execute<{
    user: string;
    version: number;
    exists: boolean;
    canSet: boolean;
    isPowerful: boolean;
  }>(sql`
    WITH target AS (SELECT * FROM pg_roles WHERE rolname = ${role}), server AS (
      SELECT current_setting('server_version_num')::int / 10000 AS version
    ), session AS (
      -- Commands use the embedded database as its superuser, and the programs as another role. Roles belong to all databases of
      -- a server, so it counts only where it may use the tables of Rowmill.
      SELECT coalesce((
        SELECT oid FROM pg_roles WHERE rolname = ${APP_ROLE} AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
          AND EXISTS (
            SELECT FROM pg_namespace
            WHERE nspname = ${rowmill.schemaName} AND has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'USAGE')
          )
      ), current_user::regrole) AS id
    )
    SELECT session.id::regrole::text AS user, version, target.oid IS NOT NULL AS exists,
      -- Since PostgreSQL 16 a member may have the rights of a role and not SET ROLE.
      coalesce(CASE WHEN version >= 16 THEN pg_has_role(session.id, target.oid, 'SET') ELSE pg_has_role(session.id, target.oid, 'MEMBER') END, false) AS "canSet",
      coalesce(rolsuper OR rolbypassrls OR has_schema_privilege(target.oid, schema.oid, 'USAGE'), false) AS "isPowerful"
    FROM server CROSS JOIN session LEFT JOIN target ON true LEFT JOIN pg_namespace AS schema ON nspname = ${rowmill.schemaName}`);
  const [state] = rows;
  if (!state) throw new Error("The state of the role has no row.");
  const { user, version, exists, canSet, isPowerful } = state;
  const options = version >= 16 ? " WITH INHERIT FALSE, SET TRUE" : "";
  const statements = [
    ...(exists ? [] : [`CREATE ROLE ${quoted(role)} NOLOGIN`]),
    ...(canSet ? [] : [`GRANT ${quoted(role)} TO ${user}${options}`]),
  ];
  return { exists, canSet, isPowerful, statements };
}

export interface Needs {
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
}

/** Returns the grants on a table that the role needs and does not have. Its columns may have their own. */
export function missingGrants(
  { columns, privileges, ...table }: TableFacts,
  role: string,
  needs: Needs,
): string[] {
  const to = `TO ${quoted(role)}`;
  const name = `${quoted(table.schema)}.${quoted(table.table)}`;
  const isPartial = (may: "canInsert" | "canUpdate") => columns.some((column) => column[may]);
  const missing = [
    // Results need the record after it was written, with columns of the system.
    ...(privileges.canSelect ? [] : ["SELECT"]),
    ...(needs.insert && !isPartial("canInsert") ? ["INSERT"] : []),
    ...(needs.update && !isPartial("canUpdate") ? ["UPDATE"] : []),
    ...(needs.delete && !privileges.canDelete ? ["DELETE"] : []),
  ];
  return [
    ...(privileges.canUse ? [] : [`GRANT USAGE ON SCHEMA ${quoted(table.schema)} ${to}`]),
    ...(missing.length > 0 ? [`GRANT ${missing.join(", ")} ON ${name} ${to}`] : []),
    ...(needs.insert ? sequenceGrants(privileges, to) : []),
  ];
}

function sequenceGrants({ missingSequences }: Privileges, to: string): string[] {
  return missingSequences.map((sequence) => `GRANT USAGE ON SEQUENCE ${sequence} ${to}`);
}
