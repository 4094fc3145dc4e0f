import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/postgres/database.ts";
import type { PolicyFacts, Privileges, TableFacts, TriggerFacts } from "./table-facts.ts";

type Guards = Pick<TableFacts, "triggers" | "rules" | "policies"> & Pick<Privileges, "missingSequences">;

/** Reads what else acts when rows are written: triggers, rules, policies, and the sequences of defaults. */
export async function readGuards(db: Database, oid: string, role: string): Promise<Guards> {
  return {
    triggers: await readTriggers(db, oid),
    rules: await readRules(db, oid),
    policies: await readPolicies(db, oid),
    missingSequences: await readMissingSequences(db, oid, role),
  };
}

/** Also those of its partitions and children only. In the order in which PostgreSQL calls those of one kind. */
async function readTriggers(db: Database, oid: string): Promise<TriggerFacts[]> {
  const { rows } = await db.execute<TriggerFacts & Record<string, unknown>>(sql`
    WITH RECURSIVE relation(oid) AS (
      SELECT ${oid}::oid
      UNION SELECT inhrelid FROM relation JOIN pg_inherits ON inhparent = relation.oid
    )
    SELECT tgname::text AS name, pg_get_userbyid(proowner)::text AS "functionOwner", tgfoid::regproc::text AS function,
      CASE WHEN tgtype & 2 <> 0 THEN 'BEFORE ' WHEN tgtype & 64 <> 0 THEN 'INSTEAD OF ' ELSE 'AFTER ' END || concat_ws(' OR ',
        CASE WHEN tgtype & 4 <> 0 THEN 'INSERT' END, CASE WHEN tgtype & 16 <> 0 THEN 'UPDATE' END,
        CASE WHEN tgtype & 8 <> 0 THEN 'DELETE' END, CASE WHEN tgtype & 32 <> 0 THEN 'TRUNCATE' END) AS when
    FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    -- A trigger of a partitioned table has a copy in each partition.
    WHERE tgrelid IN (SELECT oid FROM relation) AND NOT tgisinternal AND tgenabled <> 'D' AND tgparentid = 0
    ORDER BY tgname`);
  return rows;
}

async function readRules(db: Database, oid: string): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(sql`
    SELECT rulename::text AS name FROM pg_rewrite WHERE ev_class = ${oid}::oid AND ev_type <> '1' AND ev_enabled <> 'D'
    ORDER BY 1`);
  return rows.map(({ name }) => name);
}

async function readPolicies(db: Database, oid: string): Promise<PolicyFacts[]> {
  const { rows } = await db.execute<PolicyFacts & Record<string, unknown>>(sql`
    SELECT polname::text AS name,
      CASE polcmd WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN 'r' THEN 'SELECT' ELSE 'ALL' END AS command,
      pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS check
    FROM pg_policy WHERE polrelid = ${oid}::oid ORDER BY 1`);
  return rows;
}

/** A `serial` needs USAGE of its sequence; an identity column does not. */
async function readMissingSequences(db: Database, oid: string, role: string): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(sql`
    SELECT DISTINCT refobjid::regclass::text AS name
    FROM pg_attrdef
    JOIN pg_depend ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid AND refclassid = 'pg_class'::regclass
    JOIN pg_class ON pg_class.oid = refobjid AND relkind = 'S'
    LEFT JOIN pg_roles ON rolname = ${role}
    WHERE adrelid = ${oid}::oid AND NOT coalesce(has_sequence_privilege(pg_roles.oid, refobjid, 'USAGE'), false)
    ORDER BY 1`);
  return rows.map(({ name }) => name);
}
