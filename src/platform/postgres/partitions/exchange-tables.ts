/** Puts a partitioned table in the place of a table, which becomes its first partition. */
import type pg from "pg";
import { rowmill } from "../../../schema/columns.ts";
import { DAY_MS } from "../../durations.ts";
import { firstUuidV7 } from "../../ids.ts";
import { isPartitioned, partitionBefore, TABLESPACE_OF } from "./day-partitions.ts";

const SCHEMA = rowmill.schemaName;

/**
 * The days from today to the boundary of a table with rows. Until the tables are exchanged, the CHECK refuses rows of later days. If the
 * migration is killed, the programs remove the CHECK before any row can be of such a day (day-partitions.ts).
 */
const DAYS_TO_BOUNDARY = 8;

export interface PartitionedTable {
  readonly name: string;
  /** A UUID that begins with the time (version 7). */
  readonly key: string;
}

/** A CHECK that all rows are before a boundary. It has the name of the partition that the table becomes. */
export interface Proof {
  readonly name: string;
  readonly isProved: boolean;
}

export async function findProof(client: pg.Client, table: string): Promise<Proof | undefined> {
  const { rows } = await client.query<Proof>(
    `SELECT conname AS name, convalidated AS "isProved" FROM pg_constraint
    WHERE conrelid = to_regclass($1) AND contype = 'c' AND conname ~ '_before_[0-9]{8}$'`,
    [`${SCHEMA}.${table}`],
  );
  return rows[0];
}

export function boundaryOf({ name }: Pick<Proof, "name">): number {
  const [, year, month, day] = /(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  return Date.parse(`${year}-${month}-${day}`);
}

export const startOfDay = (at: Date) => Math.floor(at.getTime() / DAY_MS) * DAY_MS;

export function newBoundary(now: Date): number {
  return startOfDay(now) + DAYS_TO_BOUNDARY * DAY_MS;
}

/** The smallest id of a day, whatever its version. */
export function firstIdOf(day: Date): string {
  return `${firstUuidV7(day).slice(0, 13)}-0000-0000-000000000000`;
}

/** Later keys have no time: no clock is so wrong. */
const LAST_YEAR = "0fffffff-0000-0000-0000-000000000000";

/** Names what would still belong to the first partition alone. */
export async function findObstacles(
  client: pg.Client,
  { name: table, key }: PartitionedTable,
): Promise<string[]> {
  const { rows } = await client.query<{ obstacle: string }>(
    `SELECT 'trigger ' || tgname AS obstacle FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal
    UNION SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = $1::regclass
    UNION SELECT 'rule ' || rulename FROM pg_rules WHERE format('%I.%I', schemaname, tablename)::regclass = $1::regclass
    UNION SELECT 'view ' || ev_class::regclass::text FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = objid
      WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = $1::regclass
    UNION SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass::text FROM pg_constraint
      WHERE contype = 'f' AND (confrelid = $1::regclass OR conrelid = $1::regclass)
    UNION SELECT 'publication ' || pubname FROM pg_publication_rel JOIN pg_publication ON pg_publication.oid = prpubid
      WHERE prrelid = $1::regclass
    UNION SELECT 'a ${key} without a time' WHERE (SELECT ${key} FROM ${SCHEMA}.${table} ORDER BY ${key} DESC LIMIT 1) > '${LAST_YEAR}'
    UNION SELECT 'child ' || inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass
    ORDER BY 1`,
    [`${SCHEMA}.${table}`],
  );
  const obstacles = rows.map(({ obstacle }) => obstacle);
  return (await isDistributed(client, table)) ? [...obstacles, "shards of Citus"] : obstacles;
}

/** A table is partitioned before Citus distributes it. */
async function isDistributed(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ shards: string | null }>(
    "SELECT to_regclass('pg_catalog.pg_dist_partition')::text AS shards",
  );
  if (!rows[0]?.shards) return false;
  const { rowCount } = await client.query(
    "SELECT FROM pg_catalog.pg_dist_partition WHERE logicalrelid = $1::regclass AND partmethod <> 'n'",
    [`${SCHEMA}.${table}`],
  );
  return rowCount !== 0;
}

/**
 * Call it in a transaction. It stops all who use the table.
 * @returns false if the table has rows whose days are not proved
 */
export async function exchangeTables(client: pg.Client, { name, key }: PartitionedTable): Promise<boolean> {
  if (await isPartitioned(client, name)) return true;
  await client.query(`LOCK TABLE ${SCHEMA}.${name} IN ACCESS EXCLUSIVE MODE`);
  const { rowCount } = await client.query(`SELECT FROM ${SCHEMA}.${name} LIMIT 1`);
  const proof = await findProof(client, name);
  if (rowCount && !proof?.isProved) return false;
  const first = proof?.name ?? `${name}_empty`;
  await client.query(exchange(name, key, first));
  if (rowCount && proof) {
    const bounds = `FROM (MINVALUE) TO ('${firstIdOf(new Date(boundaryOf(proof)))}')`;
    await client.query(
      `ALTER TABLE ${SCHEMA}.${name} ATTACH PARTITION ${SCHEMA}.${first} FOR VALUES ${bounds};
      ALTER TABLE ${SCHEMA}.${first} DROP CONSTRAINT ${proof.name}`,
    );
  } else {
    await client.query(`DROP TABLE ${SCHEMA}.${first}`);
  }
  await client.query(`CREATE TABLE ${SCHEMA}.${name}_default PARTITION OF ${SCHEMA}.${name} DEFAULT`);
  return true;
}

/**
 * Renames the table, and creates a partitioned one that has its name, columns, constraints, indexes, owner and privileges. The names of
 * indexes move as well, so that a later migration finds them.
 */
function exchange(parent: string, key: string, first: string): string {
  return `DO $exchange$
  DECLARE
    parent text := '${parent}';
    first text := '${first}';
    old regclass := '${SCHEMA}.${parent}';
    definitions text[] := '{}';
    item record;
  BEGIN
    FOR item IN
      SELECT indexrelid::regclass AS index, relname, pg_get_indexdef(indexrelid) AS definition, conname,
        pg_get_constraintdef(pg_constraint.oid) AS constraint_definition
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u') WHERE indrelid = old ORDER BY indexrelid
    LOOP
      definitions := definitions || CASE WHEN item.conname IS NULL THEN item.definition
        ELSE format('ALTER TABLE ${SCHEMA}.%I ADD CONSTRAINT %I %s', parent, item.conname, item.constraint_definition) END;
      EXECUTE format('ALTER INDEX %s RENAME TO %I', item.index, left(replace(item.relname, parent, first), 63));
    END LOOP;
    EXECUTE format('ALTER TABLE ${SCHEMA}.%I RENAME TO %I', parent, first);
    EXECUTE format('CREATE TABLE ${SCHEMA}.%I (LIKE ${SCHEMA}.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)
      PARTITION BY RANGE (${key}) %s', parent, first, ${TABLESPACE_OF("old")});
    EXECUTE format('ALTER TABLE ${SCHEMA}.%I DROP CONSTRAINT IF EXISTS %I', parent, first);
    FOR item IN SELECT definition FROM unnest(definitions) AS definition LOOP
      EXECUTE item.definition;
    END LOOP;
    FOR item IN
      SELECT relowner::regrole AS owner, privilege_type AS privilege, column_name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS grantee,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option
      FROM pg_class JOIN (
        SELECT oid AS relation, NULL AS column_name, acl.* FROM pg_class, aclexplode(relacl) AS acl
        UNION ALL SELECT attrelid, attname, acl.* FROM pg_attribute, aclexplode(attacl) AS acl
      ) AS granted ON relation = pg_class.oid
      WHERE pg_class.oid = old AND grantee <> relowner
    LOOP
      EXECUTE format('GRANT %s%s ON ${SCHEMA}.%I TO %s%s', item.privilege, ' (' || quote_ident(item.column_name) || ')', parent, item.grantee, item.option);
    END LOOP;
    EXECUTE format('ALTER TABLE ${SCHEMA}.%I OWNER TO %s', parent, (SELECT relowner::regrole FROM pg_class WHERE oid = old));
  END $exchange$`;
}

/** Creates the partition of all days before a boundary in a partitioned table without other partitions than the default one. */
export async function createFirstPartition(client: pg.Client, table: string, now: Date): Promise<void> {
  const boundary = new Date(newBoundary(now));
  await client.query(
    `CREATE TABLE ${SCHEMA}.${partitionBefore(table, boundary)} PARTITION OF ${SCHEMA}.${table}
    FOR VALUES FROM (MINVALUE) TO ('${firstIdOf(boundary)}')`,
  );
}
