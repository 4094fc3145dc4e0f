import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";

/**
 * The next ids of a table whose `id` is an identity column, to be given with an insert: each row must know its
 * record, and RETURNING promises no order.
 */
export async function allocateIds(tx: Tx, table: string, count: number): Promise<number[]> {
  const { rows } = await tx.db.execute<{ id: string }>(
    sql`SELECT nextval(${`rowmill.${table}_id_seq`}::regclass) AS id FROM generate_series(1, ${count})`,
  );
  return rows.map(({ id }) => Number(id));
}
