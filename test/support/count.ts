import pg from "pg";
import { nodesOf } from "./postgres.ts";

type Connection = Pick<pg.Pool, "query"> | Pick<pg.Client, "query">;

/** The one number that a statement returns. */
export async function count(pool: Connection, statement: string, values: unknown[] = []): Promise<number> {
  const { rows } = await pool.query<{ count: string | number }>(statement, values);
  return Number(rows[0]?.count);
}

/** Locks of this database: others share the server, and those of one template share the ids of tables. */
export const IS_OURS = "database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/** The number of locks for which statements wait. @param condition in terms of pg_locks */
export function countWaiting(pool: Connection, condition: string): Promise<number> {
  return count(pool, `SELECT count(*) FROM pg_locks WHERE NOT granted AND ${IS_OURS} AND ${condition}`);
}

const ROW_WAITS = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
  AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple')`;

/** The number of statements that wait for a row which another transaction has changed or locked, on all servers of the database. */
export async function countRowWaits(pool: pg.Pool): Promise<number> {
  let waits = await count(pool, ROW_WAITS);
  for (const connectionString of nodesOf(pool.options.connectionString ?? "")) {
    const node = new pg.Client({ connectionString });
    await node.connect();
    waits += await count(node, ROW_WAITS);
    await node.end();
  }
  return waits;
}
