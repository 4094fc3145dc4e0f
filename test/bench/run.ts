/**
 * npm run bench [-- --rows N --runs N --only typed|work]: Rowmill end to end over HTTP beside a floor, on the same server in the same run.
 * The floor is what PostgreSQL itself needs for the same rows: COPY, INSERT ... SELECT into books, INSERT ... SELECT
 * into results, on one connection; for tasks, what pg-boss needs for as many jobs. Machines differ and are noisy: quote the ratio, not the seconds.
 */
import { chmodSync, mkdtempSync, openAsBlob, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { loadConfig } from "../../src/config/config.ts";
import { migrateDatabase } from "../../src/migrate.ts";
import { createLog } from "../../src/platform/log.ts";
import { startPostgres } from "../../src/platform/postgres/embedded-postgres.ts";
import { measureBehind } from "./behind.ts";
import { writeBooks } from "./books-file.ts";
import { measureFloor } from "./floor.ts";
import { measureRequests } from "./requests.ts";
import { type Measured, measureRowmill } from "./rowmill.ts";
import { median, printTable } from "./table.ts";
import { measureTyped, typedLines } from "./typed.ts";
import { measureWork, workLines, workResult } from "./work.ts";

const SMALL_ROWS = 100_000;
const DELAYED_ROWS = 10_000;

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    runs: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const rows = Number(values.rows);
const runs = Number(values.runs);
if (values.only !== undefined && values.only !== "typed" && values.only !== "work")
  throw new Error(`--only: "${values.only}" is not known. Known: typed, work`);
const folder = mkdtempSync(join(tmpdir(), "rowmill-bench-"));
// The server runs under another account where this one is root, and reads the floor's file itself.
chmodSync(folder, 0o755);
const server = await startPostgres(join(folder, "data"));
try {
  const config = loadConfig({ DATABASE_URL: server.url, JWT_SECRET: "bench".repeat(10) });
  await migrateDatabase({ ...config, databaseUrl: server.url }, createLog({ logLevel: "warn" }, "bench"));
  if (values.only === "typed") await reportTyped();
  else if (values.only === "work") await reportWork();
  else await report(await measure());
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
  const [big, small, delayed] = [
    await makeFile(rows),
    await makeFile(SMALL_ROWS),
    await makeFile(DELAYED_ROWS),
  ];
  const atSmall = await importOnce(small.csv);
  const floors: number[] = [];
  const imports: Measured[] = [];
  for (let run = 0; run < runs; run++) {
    floors.push(await measureFloor(server.url, big.copy));
    imports.push(await importOnce(big.csv));
  }
  const withDelay = await importOnce(delayed.csv, { ROW_DELAY_MS: "500" });
  await emptyTables();
  const behindSeconds = await measureBehind(server.url, await openAsBlob(big.csv));
  const work = await measureWork({ databaseUrl: server.url, runs, emptyTables });
  await emptyTables();
  const requests = await measureRequests(server.url);
  await emptyTables();
  const typed = await measureTypedRows();
  return { floors, imports, atSmall, withDelay, behindSeconds, work, requests, typed };
}

function measureTypedRows() {
  return measureTyped({ databaseUrl: server.url, folder, runs, emptyTables });
}

async function reportTyped(): Promise<void> {
  const typed = await measureTypedRows();
  printTable([[`median of ${runs} run(s)`, "measured", "reach"], ...typedLines(typed)]);
  console.log(JSON.stringify(typed));
}

async function reportWork(): Promise<void> {
  const work = await measureWork({ databaseUrl: server.url, runs, emptyTables });
  printTable([[`median of ${runs} run(s)`, "measured", "reach"], ...workLines(work)]);
  console.log(JSON.stringify(workResult(work)));
}

async function makeFile(count: number): Promise<{ csv: string; copy: string }> {
  const file = { csv: join(folder, `books-${count}.csv`), copy: join(folder, `books-${count}.copy`) };
  await writeBooks(count, file.csv, file.copy);
  return file;
}

/** Each import finds empty tables, as the floor does. */
async function importOnce(csv: string, settings?: NodeJS.ProcessEnv): Promise<Measured> {
  await emptyTables();
  return measureRowmill(server.url, csv, settings);
}

async function emptyTables(): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(
    `TRUNCATE rowmill.users, rowmill.books, rowmill.batches, rowmill.batch_rows, rowmill.chunks, rowmill.row_results,
      rowmill.refresh_tokens, rowmill.tasks, rowmill.notifications, rowmill_queue.job CASCADE`,
  );
  await client.query("CHECKPOINT");
  await client.end();
}

async function report({
  floors,
  imports,
  atSmall,
  withDelay,
  behindSeconds,
  work,
  requests,
  typed,
}: Awaited<ReturnType<typeof measure>>): Promise<void> {
  const of = (pick: (run: Measured) => number) => median(imports.map(pick));
  const ratios = imports.map((run, index) => run.doneSeconds / (floors[index] ?? Number.NaN));
  const result = {
    rows,
    runs,
    floorSeconds: median(floors),
    acceptedSeconds: of((run) => run.acceptedSeconds),
    doneSeconds: of((run) => run.doneSeconds),
    rowsPerSecond: rows / of((run) => run.doneSeconds),
    ratioToFloor: median(ratios),
    apiPeakMb: of((run) => run.apiPeakMb),
    workerPeakMb: of((run) => run.workerPeakMb),
    apiPeakMbSmall: atSmall.apiPeakMb,
    workerPeakMbSmall: atSmall.workerPeakMb,
    statusMs: of((run) => run.statusMs),
    exportSeconds: of((run) => run.exportSeconds),
    exportRowsPerSecond: rows / of((run) => run.exportSeconds),
    exportFloorSeconds: of((run) => run.exportFloorSeconds),
    exportRatioToFloor: median(imports.map((run) => run.exportSeconds / run.exportFloorSeconds)),
    exportPeakMb: of((run) => run.exportPeakMb),
    exportPeakMbSmall: atSmall.exportPeakMb,
    delayedSeconds: withDelay.doneSeconds,
    behindSeconds,
    ...workResult(work),
    requestsPerSecond: requests.withLog,
    requestsPerSecondWithoutLog: requests.withoutLog,
    requestsRatio: requests.ratio,
    ...typed,
  };
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  const mb = (value: number) => `${value.toFixed(0)} MB`;
  const growth = (big: number, small: number) => `${(((big - small) / small) * 100).toFixed(0)} %`;
  printTable([
    [`${rows.toLocaleString("en")} rows, median of ${runs} run(s)`, "measured", "reach"],
    ["floor: COPY, INSERT into books, INSERT into results", seconds(result.floorSeconds), ""],
    ["upload answered 202", seconds(result.acceptedSeconds), ""],
    ["last row done", seconds(result.doneSeconds), ""],
    ["rows a second, end to end", Math.round(result.rowsPerSecond).toLocaleString("en"), ""],
    ["ratio to the floor", `${result.ratioToFloor.toFixed(2)} x`, "1.50 x"],
    ["peak memory, API", mb(result.apiPeakMb), "250 MB"],
    ["peak memory, worker", mb(result.workerPeakMb), "250 MB"],
    [
      `API above ${SMALL_ROWS.toLocaleString("en")} rows`,
      growth(result.apiPeakMb, result.apiPeakMbSmall),
      "20 %",
    ],
    [
      `worker above ${SMALL_ROWS.toLocaleString("en")} rows`,
      growth(result.workerPeakMb, result.workerPeakMbSmall),
      "20 %",
    ],
    ["status read while it runs, median", `${result.statusMs.toFixed(1)} ms`, "5.0 ms"],
    ["floor of an export: COPY of the same columns TO STDOUT", seconds(result.exportFloorSeconds), ""],
    ["results as all.csv, last byte", seconds(result.exportSeconds), ""],
    ["rows a second, exported", Math.round(result.exportRowsPerSecond).toLocaleString("en"), ""],
    ["ratio to the floor of an export", `${result.exportRatioToFloor.toFixed(2)} x`, ""],
    ["peak memory, API that exports", mb(result.exportPeakMb), "250 MB"],
    [
      `API that exports above ${SMALL_ROWS.toLocaleString("en")} rows`,
      growth(result.exportPeakMb, result.exportPeakMbSmall),
      "20 %",
    ],
    [
      `${DELAYED_ROWS.toLocaleString("en")} rows at ROW_DELAY_MS=500`,
      seconds(result.delayedSeconds),
      "15.00 s",
    ],
    [`3 rows uploaded behind ${rows.toLocaleString("en")}`, seconds(result.behindSeconds), "3.00 s"],
    ...workLines(work),
    ["requests a second, with the request log", Math.round(requests.withLog).toLocaleString("en"), ""],
    ["requests a second, REQUEST_LOG=off", Math.round(requests.withoutLog).toLocaleString("en"), ""],
    ["ratio with the request log to without", `${requests.ratio.toFixed(2)} x`, ""],
    ...typedLines(typed),
  ]);
  console.log(JSON.stringify(result));
}
