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
