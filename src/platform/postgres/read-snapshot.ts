import type { NodePgClient } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { clientTransaction } from "./client-transaction.ts";
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
  const limited = { query_timeout: seconds * 1000 + ANSWER_MS };
  return clientTransaction(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${seconds * 1000}`);
    const query = (config: pg.QueryConfig, values?: unknown[]) =>
      client.query({ ...config, ...limited }, values);
    return fn(databaseOn({ query } as unknown as NodePgClient));
  });
}
