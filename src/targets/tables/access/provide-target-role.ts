import { sql } from "drizzle-orm";
import type { Config } from "../../../config/config.ts";
import type { Log } from "../../../platform/log.ts";
import { databaseOn, openPool } from "../../../platform/postgres/database.ts";
import { findMissingGrants } from "./find-missing-grants.ts";

/**
 * Creates the role of TARGET_ROLE, and grants it what the tables of TARGET_TABLES need. Does nothing if that is empty.
 * @param config with the URL of a role that may do this, such as a superuser
 * @returns the statements that it has executed
 */
export async function provideTargetRole(config: Config, log: Log): Promise<readonly string[]> {
  if (config.tableTargets.allowed.length === 0) return [];
  const pool = openPool(config.databaseUrl, 1, log);
  try {
    const db = databaseOn(pool);
    const executed: string[] = [];
    const execute = async (statements: readonly string[]) => {
      for (const statement of statements) await db.execute(sql.raw(statement));
      executed.push(...statements);
    };
    // Its privileges can be read only after it exists.
    await execute((await findMissingGrants({ db, config })).role.statements);
    await execute((await findMissingGrants({ db, config })).grants);
    return executed;
  } finally {
    await pool.end();
  }
}
