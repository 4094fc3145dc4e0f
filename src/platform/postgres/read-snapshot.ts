import type { NodePgClient } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { ANSWER_MS, type Database, databaseOn } from "./database.ts";

/**
 * Runs `fn` in a read-only transaction whose statements all see the same moment.
 * @param seconds the limit of each statement, instead of the limit of the pool
 */
export async function readSnapshot<T>(
  pool: pg.Pool,
  seconds: number,
  fn: (db: Database) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  const limited = { query_timeout: seconds * 1000 + ANSWER_MS };
  const query = (config: pg.QueryConfig, values?: unknown[]) =>
    client.query({ ...config, ...limited }, values);
  let broken: Error | undefined;
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query(`SET LOCAL statement_timeout = ${seconds * 1000}`);
    const result = await fn(databaseOn({ query } as unknown as NodePgClient));
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
