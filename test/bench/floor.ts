import pg from "pg";
import { FLOOR_BATCH } from "./books-file.ts";

/** Seconds that PostgreSQL needs for the same rows in tables of the same shape, with the same indexes and checks. */
export async function measureFloor(databaseUrl: string, copyPath: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor");
    for (const table of ["batch_rows", "books", "row_results"]) {
      await client.query(`CREATE TABLE floor.${table} (LIKE rowmill.${table} INCLUDING ALL)`);
    }
    await client.query("CHECKPOINT");
    const startedAt = performance.now();
    await client.query(`COPY floor.batch_rows FROM '${copyPath}'`);
    await client.query(`
      INSERT INTO floor.books (user_id, batch_id, row_number, title, author, description)
      SELECT 1, batch_id, row_number, fields->>0, fields->>1, fields->>2 FROM floor.batch_rows ORDER BY row_number`);
    await client.query(`
      INSERT INTO floor.row_results (batch_id, row_number, status, attempts, record_id, effect)
      SELECT batch_id, row_number, 'success', 1, row_number, 'created' FROM floor.batch_rows WHERE batch_id = '${FLOOR_BATCH}' ORDER BY row_number`);
    const seconds = (performance.now() - startedAt) / 1000;
    await client.query("DROP SCHEMA floor CASCADE");
    return seconds;
  } finally {
    await client.end();
  }
}
