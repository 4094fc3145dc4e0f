/** How many rows and index entries statements read, so that tests of costs need no clock. */
import type { Rowmill } from "./rowmill.ts";

/** Rows and index entries of the tables, with their partitions, that all connections have read so far. */
export async function rowsRead({ ctx }: Rowmill, tables: readonly string[]): Promise<number> {
  const { pool, reads } = ctx;
  // Each connection reports what it has read from time to time, or at once on request.
  for (const each of [pool, reads.pool]) {
    const clients = await Promise.all(Array.from({ length: each.totalCount }, () => each.connect()));
    for (const client of clients) {
      await client.query("SELECT pg_stat_force_next_flush()");
      client.release();
    }
  }
  const { rows } = await pool.query<{ read: number }>(
    `SELECT (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname ~ $1)::float
      + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname ~ $1)::float AS read`,
    [`^(${tables.join("|")})(_\\d|$)`],
  );
  return rows[0]?.read ?? 0;
}
