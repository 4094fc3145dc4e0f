import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/postgres/database.ts";
import { readCheckForms } from "./check-forms.ts";
import type { ConstraintFacts, KeyFacts, TableFacts } from "./table-facts.ts";

type Constraints = Pick<TableFacts, "keys" | "checks" | "exclusions" | "partitionKey">;

interface UniqueIndex {
  name: string;
  /** null: an expression. */
  columns: (string | null)[];
  isPrimary: boolean;
  isValid: boolean;
  isImmediate: boolean;
  isExclusion: boolean;
  predicate: string | null;
  nullsNotDistinct: boolean;
}

export async function readConstraints(db: Database, oid: string): Promise<Constraints> {
  const constraints = await readOthers(db, oid);
  return {
    keys: await readKeys(db, oid),
    checks: constraints
      .filter(({ kind }) => kind === "c")
      .map(({ kind: _, expression, ...check }) => ({ ...check, forms: readCheckForms(expression ?? "") })),
    exclusions: constraints
      .filter(({ kind }) => kind === "x")
      .map(({ kind: _, expression: __, ...exclusion }) => exclusion),
    partitionKey: await readPartitionKey(db, oid),
  };
}

/** Primary keys first. */
async function readKeys(db: Database, oid: string): Promise<KeyFacts[]> {
  const { rows } = await db.execute<UniqueIndex & Record<string, unknown>>(sql`
    SELECT index.relname::text AS name, indisprimary AS "isPrimary", indisvalid AND indisready AND indislive AS "isValid",
      indimmediate AS "isImmediate", indisexclusion AS "isExclusion", pg_get_expr(indpred, indrelid) AS predicate,
      indnullsnotdistinct AS "nullsNotDistinct",
      ARRAY(
        SELECT attname::text FROM unnest(indkey::int2[]) WITH ORDINALITY AS part(attnum, position)
        LEFT JOIN pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = part.attnum AND part.attnum <> 0
        WHERE position <= indnkeyatts ORDER BY position
      ) AS columns
    FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
    WHERE indrelid = ${oid}::oid AND indisunique
    ORDER BY indisprimary DESC, index.relname`);
  return rows.map(({ name, columns, isPrimary, nullsNotDistinct, ...index }) => {
    const why = whyUnusable({ ...index, columns });
    const named = columns.filter((column) => column !== null);
    return { name, columns: named, isPrimary, nullsNotDistinct, usable: why === null, why };
  });
}

function whyUnusable({
  columns,
  predicate,
  isValid,
  isImmediate,
  isExclusion,
}: Pick<UniqueIndex, "columns" | "predicate" | "isValid" | "isImmediate" | "isExclusion">): string | null {
  if (!isValid) return "is not valid, for example because CREATE INDEX CONCURRENTLY was interrupted";
  if (isExclusion) return "compares ranges (WITHOUT OVERLAPS)";
  if (columns.includes(null)) return "has an expression";
  if (predicate !== null) return `covers only the rows with ${predicate}`;
  if (!isImmediate) return "is deferrable";
  return null;
}

async function readOthers(db: Database, oid: string) {
  const { rows } = await db.execute<
    ConstraintFacts & { kind: string; expression: string | null } & Record<string, unknown>
  >(sql`
    SELECT conname::text AS name, contype::text AS kind, pg_get_constraintdef(pg_constraint.oid) AS text,
      pg_get_expr(conbin, conrelid) AS expression,
      ARRAY(
        SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey) ORDER BY attnum
      ) AS columns
    FROM pg_constraint WHERE conrelid = ${oid}::oid AND contype IN ('c', 'x')
    ORDER BY conname`);
  return rows;
}

async function readPartitionKey(db: Database, oid: string): Promise<(string | null)[]> {
  const { rows } = await db.execute<{ name: string | null }>(sql`
    SELECT attname::text AS name
    FROM pg_partitioned_table CROSS JOIN unnest(partattrs::int2[]) WITH ORDINALITY AS part(attnum, position)
    LEFT JOIN pg_attribute ON attrelid = partrelid AND pg_attribute.attnum = part.attnum AND part.attnum <> 0
    WHERE partrelid = ${oid}::oid ORDER BY position`);
  return rows.map(({ name }) => name);
}
