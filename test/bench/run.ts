/**
 * npm run bench [-- --rows N --runs N --only PART]: Rowmill end to end over HTTP beside a floor, on the same server in the same run.
 * The floor is what PostgreSQL itself needs for the same rows, on one connection and on two; for tasks, what pg-boss needs
 * for as many jobs. Machines differ and are noisy: quote the ratio, not the seconds.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConfig } from "../../src/config/config.ts";
import { migrateDatabase } from "../../src/migrate.ts";
import { createLog } from "../../src/platform/log.ts";
import { startPostgres } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { Bench, type Line, type Part } from "./bench.ts";
import { exportPart } from "./export.ts";
import { filesPart } from "./files.ts";
import { largePart } from "./large.ts";
import { requestsPart } from "./requests.ts";
import { rowsPart } from "./rows.ts";
import { printTable } from "./table.ts";
import { typedPart } from "./typed.ts";
import { waitsPart } from "./waits.ts";
import { workPart } from "./work.ts";
import { workersPart } from "./workers.ts";

/** In the order of the report. */
const parts: Readonly<Record<string, (bench: Bench) => Promise<Part>>> = {
  rows: rowsPart,
  workers: workersPart,
  export: exportPart,
  waits: waitsPart,
  files: filesPart,
  work: workPart,
  requests: requestsPart,
  typed: typedPart,
  large: largePart,
};

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    runs: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: Object.keys(parts) },
  },
});
const measured = values.only.map((name) => {
  const part = parts[name];
  if (!part) throw new Error(`--only: "${name}" is not known. Known: ${Object.keys(parts).join(", ")}`);
  return part;
});
const rows = Number(values.rows);
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), "rowmill-bench-"));
// If this account is root, the server runs under another one, and reads the floor's files itself.
chmodSync(folder, 0o755);
const server = await startPostgres(join(folder, "data"));
try {
  const config = loadConfig({ DATABASE_URL: server.url, JWT_SECRET: "bench".repeat(10) });
  await migrateDatabase({ ...config, databaseUrl: server.url }, createLog({ logLevel: "warn" }, "bench"));
  const bench = new Bench({ databaseUrl: server.url, folder, rows, runs });
  const lines: Line[] = [
    [`${rows.toLocaleString("en")} rows, median of ${runs} run(s)`, "measured", "reach"],
  ];
  let figures = {};
  for (const measure of measured) {
    await bench.emptyTables();
    const part = await measure(bench);
    lines.push(...part.lines);
    figures = { ...figures, ...part.figures };
  }
  printTable(lines);
  console.log(JSON.stringify({ rows, runs, ...figures }));
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
