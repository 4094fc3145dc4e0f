/**
 * Finds the roles whose code could run with the rights of Rowmill when rows are written. SET ROLE is no wall against code
 * inside the database: a trigger can RESET ROLE. So only trusted roles may own the table and the code that PostgreSQL calls
 * for its rows.
 */
import { sql } from "drizzle-orm";
import type { Config } from "../../../config/config.ts";
import type { Context } from "../../../context.ts";
import type { Database } from "../../../platform/postgres/database.ts";
import { rowmill } from "../../../schema/columns.ts";
import { onCatalogs } from "../read/catalog-path.ts";

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** A role that is not trusted. */
export interface Untrusted {
  readonly role: string;
  /** For example `function shop.guard()`. */
  readonly object: string;
  /** Says what the role could do, and what an administrator can do. */
  readonly text: string;
}

type Finding = { kind: "owner" | "TRIGGER" | "REFERENCES" | "CREATE"; role: string; object: string };

/**
 * Checks the owners of the tables, of their partitions, of tables that inherit from them or change with them (ON DELETE
 * CASCADE), of their schemas and types, and of every function of their triggers, defaults, constraints, generated columns,
 * policies, rules, indexes and partition keys. Also finds roles that may add such code: those with TRIGGER or REFERENCES on
 * the table, or with CREATE in its schema, which is a part of the search path.
 */
export function findUntrusted(
  ctx: Pick<Context, "db" | "config">,
  tables: readonly TableName[],
): Promise<Untrusted[]> {
  return onCatalogs(ctx.db, async (db) => readFindings(db, await readObjects(db, tables), ctx.config));
}

/** Object ids. As arrays, they lead to the same plans whatever the statistics of the catalogs say. */
interface Objects {
  readonly relations: readonly string[];
  readonly schemas: readonly string[];
  readonly types: readonly string[];
}

/** The tables and what changes with them, the schemas of the tables, and the types of the columns. */
async function readObjects(db: Database, tables: readonly TableName[]): Promise<Objects> {
  const schemas = sql.param(tables.map(({ schema }) => schema));
  const names = sql.param(tables.map(({ table }) => table));
  const { rows } = await db.execute<{ [K in keyof Objects]: string[] }>(sql`
    WITH RECURSIVE named AS (
      SELECT pg_class.oid, relnamespace AS schema
      FROM unnest(${schemas}::text[], ${names}::text[]) AS wanted(schema, name)
      JOIN pg_namespace ON nspname = wanted.schema JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = wanted.name
    ), relation(oid) AS (
      SELECT oid FROM named
      UNION SELECT next.oid FROM relation CROSS JOIN LATERAL (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = relation.oid
        UNION ALL SELECT conrelid FROM pg_constraint
          WHERE confrelid = relation.oid AND contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
      ) AS next(oid)
    ), type(oid) AS (
      SELECT DISTINCT atttypid FROM relation CROSS JOIN LATERAL (
        SELECT atttypid FROM pg_attribute WHERE attrelid = relation.oid AND attnum > 0 AND NOT attisdropped OFFSET 0
      ) AS attribute
      UNION SELECT part.oid FROM type CROSS JOIN LATERAL (
        SELECT * FROM pg_type WHERE pg_type.oid = type.oid OFFSET 0
      ) AS whole CROSS JOIN LATERAL (
        SELECT typbasetype WHERE typbasetype <> 0
        UNION ALL SELECT typelem WHERE typelem <> 0
        UNION ALL SELECT atttypid FROM pg_attribute WHERE attrelid = typrelid AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT rngsubtype FROM pg_range WHERE whole.oid IN (rngtypid, rngmultitypid)
      ) AS part(oid)
    )
    SELECT ARRAY(SELECT oid::text FROM relation) AS relations, ARRAY(SELECT DISTINCT schema::text FROM named) AS schemas,
      ARRAY(SELECT oid::text FROM type) AS types`);
  return rows[0] ?? { relations: [], schemas: [], types: [] };
}

async function readFindings(
  db: Database,
  objects: Objects,
  { tableTargets: { trustedOwners, role: targetRole } }: Pick<Config, "tableTargets">,
): Promise<Untrusted[]> {
  const [relations, schemas, types] = [objects.relations, objects.schemas, objects.types].map(
    (ids) => sql`ANY(${sql.param([...ids])}::oid[])`,
  );
  const { rows } = await db.execute<Finding>(sql`
    WITH source(classid, objid) AS MATERIALIZED (
      SELECT 'pg_trigger'::regclass::oid, oid FROM pg_trigger WHERE tgrelid = ${relations}
      UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef WHERE adrelid = ${relations}
      UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE conrelid = ${relations} OR contypid = ${types}
      UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy WHERE polrelid = ${relations}
      UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE ev_class = ${relations}
      UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid = ${relations}
      -- Its partition key.
      UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE oid = ${relations}
      -- Defaults of domains.
      UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE oid = ${types}
    ), used AS MATERIALIZED (
      SELECT refclassid, refobjid FROM source CROSS JOIN LATERAL (
        SELECT refclassid, refobjid FROM pg_depend
        WHERE pg_depend.classid = source.classid AND pg_depend.objid = source.objid OFFSET 0
      ) AS dependency
    ), code(oid) AS (
      SELECT refobjid FROM used WHERE refclassid = 'pg_proc'::regclass
      UNION SELECT oprcode FROM used JOIN pg_operator ON refclassid = 'pg_operator'::regclass AND pg_operator.oid = refobjid
      -- Texts are cast to the types of the columns.
      UNION SELECT castfunc FROM pg_cast WHERE castfunc <> 0 AND casttarget = ${types}
    ), finding(kind, object, role) AS (
      SELECT 'owner', 'table ' || oid::regclass, relowner FROM pg_class WHERE oid = ${relations}
      UNION SELECT 'owner', 'schema ' || oid::regnamespace, nspowner FROM pg_namespace WHERE oid = ${schemas}
      UNION SELECT 'owner', 'function ' || oid::regprocedure, proowner FROM pg_proc WHERE oid IN (SELECT oid FROM code)
      UNION SELECT 'owner', 'type ' || oid::regtype, typowner FROM pg_type WHERE oid = ${types} AND typcategory <> 'A'
      UNION SELECT privilege_type, 'table ' || oid::regclass, grantee FROM pg_class CROSS JOIN aclexplode(relacl)
        WHERE oid = ${relations} AND privilege_type IN ('TRIGGER', 'REFERENCES') AND grantee <> relowner
      UNION SELECT privilege_type, 'table ' || attrelid::regclass, grantee
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid CROSS JOIN aclexplode(attacl)
        WHERE attrelid = ${relations} AND privilege_type = 'REFERENCES' AND grantee <> relowner
      UNION SELECT privilege_type, 'schema ' || oid::regnamespace, grantee FROM pg_namespace CROSS JOIN aclexplode(nspacl)
        WHERE oid = ${schemas} AND privilege_type = 'CREATE' AND grantee <> nspowner
    ), meant AS (
      -- The schema public belongs to a role that stands for the owner of the database.
      SELECT kind, object, CASE WHEN role = 'pg_database_owner'::regrole
        THEN (SELECT datdba FROM pg_database WHERE datname = current_database()) ELSE role END AS role
      FROM finding
    )
    SELECT DISTINCT kind, object, coalesce(rolname::text, 'PUBLIC') AS role FROM meant LEFT JOIN pg_roles ON pg_roles.oid = role
    WHERE NOT coalesce(rolsuper OR rolname = ANY(${sql.param([...trustedOwners])}::text[]) OR rolname = current_user OR role = (
      SELECT nspowner FROM pg_namespace WHERE nspname = ${rowmill.schemaName}
    ), false)
      -- Nobody logs in as this role, and Rowmill creates nothing as it.
      AND (kind = 'owner' OR rolname IS DISTINCT FROM ${targetRole})
    ORDER BY object, kind, role`);
  return rows.map((finding) => ({ ...finding, text: textOf(finding) }));
}

const DEEDS = {
  TRIGGER: "add triggers to",
  REFERENCES: "let its own tables follow",
  CREATE: "create functions and operators in",
};

function textOf({ kind, role, object }: Finding): string {
  const trust = `add ${role} to TARGET_TRUSTED_OWNERS if it may do everything that Rowmill may do`;
  if (kind === "owner")
    return `${role} owns the ${object}. Give it to a trusted role (ALTER ... OWNER TO), or ${trust}.`;
  const on = object.replace(/^table /, "").replace(/^schema /, "SCHEMA ");
  const way = `run \`REVOKE ${kind} ON ${on} FROM ${role}\``;
  if (role === "PUBLIC") return `Every role may ${DEEDS[kind]} the ${object}: ${way}.`;
  return `${role} may ${DEEDS[kind]} the ${object}: ${way}, or ${trust}.`;
}
