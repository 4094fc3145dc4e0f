import pg from "pg";
import { type BooksFile, FLOOR_BATCH } from "./books-file.ts";

export interface Floor {
  /** Of the COPY alone. With several connections: until the last one has copied its share. */
  readonly copySeconds: number;
  readonly seconds: number;
}

/**
 * Measures what PostgreSQL needs for the same rows in tables of the same shape, with the same keys, indexes and checks.
 * @param connections one, or one per half of the rows
 */
export async function measureFloor(
  databaseUrl: string,
  { halves }: BooksFile,
  connections: 1 | 2,
): Promise<Floor> {
  const clients = Array.from({ length: connections }, () => new pg.Client({ connectionString: databaseUrl }));
  const [main] = clients;
  if (!main) throw new RangeError("There is no connection.");
  await Promise.all(clients.map((client) => client.connect()));
  try {
    await main.query("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor");
    for (const table of ["batch_rows", "books", "row_results"]) {
      // If the real table is partitioned, the copy is a plain table with the same keys and indexes.
      await main.query(`CREATE TABLE floor.${table} (LIKE rowmill.${table} INCLUDING ALL)`);
    }
    await main.query("CHECKPOINT");
    const startedAt = performance.now();
    const sinceStart = () => (performance.now() - startedAt) / 1000;
    const copied = await Promise.all(
      clients.map(async (client, index) => {
        const own = connections === 1 ? halves : [halves[index === 0 ? 0 : 1]];
        for (const { path } of own) await client.query(`COPY floor.batch_rows FROM '${path}'`);
        const copySeconds = sinceStart();
        const lastRow = Math.max(...own.map((half) => half.lastRow));
        const firstRow = Math.min(...own.map((half) => half.firstRow));
        const range = `WHERE batch_id = '${FLOOR_BATCH}' AND row_number BETWEEN ${firstRow} AND ${lastRow} ORDER BY row_number`;
        await client.query(`
          INSERT INTO floor.books (user_id, batch_id, row_number, title, author, description)
          SELECT 1, batch_id, row_number, fields->>0, fields->>1, fields->>2 FROM floor.batch_rows ${range}`);
        await client.query(`
          INSERT INTO floor.row_results (batch_id, row_number, status, attempts, record_id, effect)
          SELECT batch_id, row_number, 'success', 1, row_number, 'created' FROM floor.batch_rows ${range}`);
        return copySeconds;
      }),
    );
    const seconds = sinceStart();
    await main.query("DROP SCHEMA floor CASCADE");
    return { copySeconds: Math.max(...copied), seconds };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
