import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/postgres/database.ts";

/**
 * Runs `read` with a search path in which PostgreSQL writes all names with their schema, except its own. Statements are not
 * compiled: that took 5 s for one that runs for 15 ms.
 */
export function onCatalogs<T>(db: Database, read: (db: Database) => Promise<T>): Promise<T> {
  return db.transaction(async (inner) => {
    const { rows } = await inner.execute<{ path: string; jit: string }>(sql`
      WITH before AS MATERIALIZED (
        SELECT pg_catalog.current_setting('search_path') AS path, pg_catalog.current_setting('jit') AS jit
      )
      SELECT before.*, ${local("search_path", "pg_catalog")}, ${local("jit", "off")} FROM before`);
    const result = await read(inner);
    // The transaction may be a savepoint of another one, which goes on. An exception restores the settings with the rollback.
    const { path = "", jit = "" } = rows[0] ?? {};
    await inner.execute(sql`SELECT ${local("search_path", path)}, ${local("jit", jit)}`);
    return result;
  });
}

const local = (name: string, value: string) => sql`pg_catalog.set_config(${name}, ${value}, true)`;
