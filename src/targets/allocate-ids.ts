import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";

/**
 * Takes the next ids of a table, to insert them with the records: each row must know its record, and RETURNING promises
 * no order.
 * @param table a table in the schema `rowmill` whose `id` is an identity column
 */
export async function allocateIds(tx: Tx, table: string, count: number): Promise<number[]> {
  const { rows } = await tx.db.execute<{ id: string }>(
    sql`SELECT nextval(${`rowmill.${table}_id_seq`}::regclass) AS id FROM generate_series(1, ${count})`,
  );
  return rows.map(({ id }) => Number(id));
}

/** The ids that are reserved for rows, or new ones. */
export async function idsFor(
  tx: Tx,
  table: string,
  rows: readonly { readonly id?: number | undefined }[],
): Promise<number[]> {
  const reserved = rows.flatMap(({ id }) => id ?? []);
  return reserved.length === rows.length ? reserved : allocateIds(tx, table, rows.length);
}

/** As `allocateIds`, as the text of an array of PostgreSQL, for a statement that needs no single id. */
export async function allocateIdArray(tx: Tx, table: string, count: number): Promise<string> {
  const { rows } = await tx.db.execute<{ ids: string }>(sql`
    SELECT array_agg(id)::text AS ids FROM (
      SELECT nextval(${`rowmill.${table}_id_seq`}::regclass) AS id FROM generate_series(1, ${count}::int)
    ) AS allocated`);
  return rows[0]?.ids ?? "{}";
}
