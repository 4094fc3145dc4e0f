import type pg from "pg";

/** The one number that a statement returns. */
export async function count(pool: pg.Pool, statement: string, values: unknown[] = []): Promise<number> {
  const { rows } = await pool.query<{ count: string | number }>(statement, values);
  return Number(rows[0]?.count);
}
