import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/postgres/database.ts";
import type { ForeignKeyFacts } from "./table-facts.ts";

/** Lists the foreign keys of the table by name. */
export async function readForeignKeys(db: Database, oid: string, role: string): Promise<ForeignKeyFacts[]> {
  const named = (relation: "conrelid" | "confrelid", positions: "conkey" | "confkey") => sql`ARRAY(
    SELECT attname::text FROM unnest(${sql.raw(positions)}) WITH ORDINALITY AS part(attnum, position)
    JOIN pg_attribute ON attrelid = ${sql.raw(relation)} AND pg_attribute.attnum = part.attnum ORDER BY position
  )`;
  const { rows } = await db.execute<ForeignKeyFacts & Record<string, unknown>>(sql`
    SELECT conname::text AS name, nspname::text AS schema, relname::text AS table,
      ${named("conrelid", "conkey")} AS columns, ${named("confrelid", "confkey")} AS "otherColumns",
      ARRAY(
        -- Short codes are unique, too; the order of the columns is that of the table.
        SELECT DISTINCT attname::text FROM pg_index
        JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] AND attnotnull
        JOIN pg_type ON pg_type.oid = atttypid AND typcategory = 'S'
        JOIN pg_roles ON rolname = ${role} AND has_column_privilege(pg_roles.oid, indrelid, attnum, 'SELECT')
        WHERE indrelid = confrelid AND indisunique AND indisvalid AND indimmediate AND indnkeyatts = 1
          AND indpred IS NULL AND indexprs IS NULL AND NOT attnum = ANY(confkey)
        ORDER BY 1
      ) AS "uniqueTextColumns"
    FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    -- A partitioned table that is referenced has one more entry for each of its partitions.
    WHERE conrelid = ${oid}::oid AND contype = 'f' AND NOT EXISTS (
      SELECT FROM pg_constraint AS parent WHERE parent.oid = pg_constraint.conparentid AND parent.conrelid = pg_constraint.conrelid
    )
    ORDER BY conname`);
  return rows;
}
