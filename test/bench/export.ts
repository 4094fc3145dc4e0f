/** A batch's results as a file: over HTTP as a client gets it, beside what PostgreSQL needs to write the same columns. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";

/** Seconds of `COPY ... TO STDOUT` of the file's columns and ours, in the order of the file. */
export async function measureExportFloor(databaseUrl: string, batchId: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // With what is known of tables that grew a moment ago, the join may compare each row with each result.
    await client.query("ANALYZE rowmill.batch_rows, rowmill.row_results");
    const copied = new Lines();
    const startedAt = performance.now();
    const stream = client.query(
      copyTo(`
        COPY (
          SELECT fields->>0, fields->>1, fields->>2, row_number, status, error_code, error_message, record_id
          FROM rowmill.batch_rows LEFT JOIN rowmill.row_results USING (batch_id, row_number)
          WHERE batch_id = '${batchId}' ORDER BY row_number
        ) TO STDOUT (FORMAT csv)`),
    );
    await pipeline(stream, copied);
    return (performance.now() - startedAt) / 1000;
  } finally {
    await client.end();
  }
}

/** Seconds until the last byte of `all.csv` has come. */
export async function measureExport(
  url: string,
  batchId: string,
  headers: { authorization: string },
  rows: number,
): Promise<number> {
  const startedAt = performance.now();
  const request = get(`${url}/api/v1/batches/${batchId}/results/all.csv`, { headers });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const received = new Lines();
  await pipeline(response, received);
  // Descriptions have line breaks of their own.
  if (response.statusCode !== 200 || received.count < rows) throw new Error(`${received.count} lines came.`);
  return (performance.now() - startedAt) / 1000;
}

const LINE_FEED = 10;

class Lines extends Writable {
  count = 0;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) this.count++;
    done();
  }
}
