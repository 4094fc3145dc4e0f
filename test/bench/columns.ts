/** The cost of the columns of a defined target: alone, and the floor of PostgreSQL for a table of them. */
import pg from "pg";
import { FLOOR_BATCH } from "./books-file.ts";
import { typedCasts, typedCells, typedCheck, typedDefinition, typedTable } from "./typed-rows.ts";

const VALUES = 1_000_000;

export interface MeasuredColumns {
  /** To check and convert a million values. */
  readonly seconds: number;
  readonly rowsPerSecond: number;
}

/** Cells become values; nothing is read from a file and nothing is written. */
export function measureColumns(): MeasuredColumns {
  const rows = Array.from({ length: Math.ceil(VALUES / typedDefinition.columns.length) }, (_, row) =>
    typedCells(row),
  );
  const check = typedCheck();
  let failed = 0;
  const startedAt = performance.now();
  for (const [index, cells] of rows.entries()) if ("errors" in check(cells, index + 2)) failed++;
  const seconds = (performance.now() - startedAt) / 1000;
  if (failed > 0) throw new Error(`${failed} rows have failed`);
  return { seconds, rowsPerSecond: rows.length / seconds };
}

/** Seconds that PostgreSQL needs to store the rows, insert the values into a table of 12 types, and store the results. */
export async function measureTypedFloor(databaseUrl: string, copyPath: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor");
    for (const table of ["batch_rows", "row_results"])
      await client.query(`CREATE TABLE floor.${table} (LIKE rowmill.${table} INCLUDING ALL)`);
    await client.query(typedTable("floor"));
    await client.query("CHECKPOINT");
    const startedAt = performance.now();
    await client.query(`COPY floor.batch_rows FROM '${copyPath}'`);
    await client.query(
      `INSERT INTO floor.customers SELECT ${typedCasts("fields")} FROM floor.batch_rows ORDER BY row_number`,
    );
    await client.query(`
      INSERT INTO floor.row_results (batch_id, row_number, status, attempts, record_key, effect)
      SELECT batch_id, row_number, 'success', 1, json_build_object('external_id', fields->>0)::text, 'created'
      FROM floor.batch_rows WHERE batch_id = '${FLOOR_BATCH}' ORDER BY row_number`);
    const seconds = (performance.now() - startedAt) / 1000;
    await client.query("DROP SCHEMA floor CASCADE");
    return seconds;
  } finally {
    await client.end();
  }
}
