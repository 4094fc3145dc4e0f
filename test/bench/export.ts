/** A batch's results as a file: over HTTP as a client gets it, beside what PostgreSQL needs to write the same columns. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { type Bench, growth, megabytes, type Part, seconds, times, whole } from "./bench.ts";
import { type Imported, measureImport, peakMb, startApi, stopPrograms } from "./rowmill.ts";
import { SMALL_ROWS } from "./rows.ts";
import { median } from "./table.ts";

interface Run {
  readonly floorSeconds: number;
  readonly seconds: number;
  /** Of an API that does nothing but the export. */
  readonly peakMb: number;
}

export async function exportPart(bench: Bench): Promise<Part> {
  const { rows, databaseUrl } = bench;
  const small = await measureImport(databaseUrl, (await bench.makeFile(SMALL_ROWS)).csv);
  const atSmall = await exportOnce(databaseUrl, small, SMALL_ROWS);
  await bench.emptyTables();
  const big = await measureImport(databaseUrl, (await bench.makeFile(rows)).csv);
  const measured: Run[] = [];
  for (let run = 0; run < bench.runs; run++) measured.push(await exportOnce(databaseUrl, big, rows));
  const of = (pick: (run: Run) => number) => median(measured.map(pick));
  const figures = {
    exportFloorSeconds: of((run) => run.floorSeconds),
    exportSeconds: of((run) => run.seconds),
    exportRowsPerSecond: rows / of((run) => run.seconds),
    exportRatioToFloor: of((run) => run.seconds / run.floorSeconds),
    exportPeakMb: of((run) => run.peakMb),
    exportPeakMbSmall: atSmall.peakMb,
  };
  const above = growth(figures.exportPeakMb, figures.exportPeakMbSmall);
  return {
    figures,
    lines: [
      ["floor of an export: COPY of the same columns TO STDOUT", seconds(figures.exportFloorSeconds), ""],
      ["results as all.csv, last byte", seconds(figures.exportSeconds), ""],
      ["rows a second, exported", whole(figures.exportRowsPerSecond), ""],
      ["ratio to the floor of an export", times(figures.exportRatioToFloor), "2.00 x"],
      ["peak memory, API that exports", megabytes(figures.exportPeakMb), "250 MB"],
      [`API that exports above ${SMALL_ROWS.toLocaleString("en")} rows`, above, "20 %"],
    ],
  };
}

async function exportOnce(databaseUrl: string, { batchId, headers }: Imported, rows: number): Promise<Run> {
  const { url, api } = await startApi(databaseUrl);
  try {
    const floorSeconds = await measureExportFloor(databaseUrl, batchId);
    const seconds = await measureExport(url, batchId, headers, rows);
    return { floorSeconds, seconds, peakMb: peakMb(api) };
  } finally {
    await stopPrograms(api);
  }
}

/** Seconds of `COPY ... TO STDOUT` of the file's columns and ours, in the order of the file. */
async function measureExportFloor(databaseUrl: string, batchId: string): Promise<number> {
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
async function measureExport(
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
