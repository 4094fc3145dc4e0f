import { sql } from "drizzle-orm";
import type { Database } from "../../platform/postgres/database.ts";

/** Runs `read` with a search path in which PostgreSQL writes all names with their schema, except its own. */
export function onCatalogs<T>(db: Database, read: (db: Database) => Promise<T>): Promise<T> {
  return db.transaction(async (inner) => {
    const { rows } = await inner.execute<{ path: string }>(
      sql`SELECT pg_catalog.current_setting('search_path') AS path, pg_catalog.set_config('search_path', 'pg_catalog', true)`,
    );
    const result = await read(inner);
    // The transaction may be a savepoint of another one, which goes on. An exception restores the path with the rollback.
    await inner.execute(sql`SELECT pg_catalog.set_config('search_path', ${rows[0]?.path ?? ""}, true)`);
    return result;
  });
}
