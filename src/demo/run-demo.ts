/** Imports a sample file through the HTTP API, and shows its progress and its outcome. */
import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RowView } from "../batches/row-views.ts";
import type { BatchView } from "../batches/views.ts";
import type { Config } from "../config/config.ts";
import { plural } from "../platform/plural.ts";
import { ApiClient, ApiError } from "./api-client.ts";
import { describeLogin, readPassword, USERNAME } from "./demo-account.ts";

export const SAMPLE = fileURLToPath(new URL("./books.csv", import.meta.url));
const SHOWN_FAILURES = 12;
const BAR_WIDTH = 40;

/** @returns whether the file was imported to its end */
export async function runDemo(config: Config, file: string, keepsRunning: boolean): Promise<boolean> {
  const { publicUrl } = config;
  console.log(
    keepsRunning
      ? `\nOpen ${publicUrl}/ in a browser to watch.\n${describeLogin(config)}\n`
      : `\nRowmill is running at ${publicUrl} until the import has ended.\n`,
  );
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const login = { username: USERNAME, password: readPassword(config) };
  const api = await ApiClient.signIn(`http://${host}:${config.port}`, login);
  const accepted = await upload(api, file);
  if (!accepted) return false;
  if (config.rowDelayMs > 0)
    console.log(`Each row simulates ${config.rowDelayMs} ms of work (ROW_DELAY_MS).`);
  console.log();
  const batch = await follow(api, accepted);
  const failedPath = `/api/v1/batches/${batch.id}/rows?status=failed`;
  await showOutcome(api, batch, failedPath);
  console.log(`
Next:
  Import your own file     ${keepsRunning ? "press Ctrl-C, then " : ""}npm run demo -- FILE.csv
${keepsRunning ? "" : "  Start Rowmill again      npm start, then\n"}  See this import          ${publicUrl}/batches/${batch.id}
  Read the documentation   ${publicUrl}/docs
  List the failed rows
    curl -H "Authorization: Bearer ${api.token}" "${publicUrl}${failedPath}"`);
  return true;
}

/** Uses `force`, because the demo may have imported the same file before. */
async function upload(api: ApiClient, file: string): Promise<BatchView | null> {
  const name = basename(file);
  const startedAt = performance.now();
  try {
    const path = "/api/v1/batches?target=books&mode=append&force=true";
    const batch = await api.upload<BatchView>(path, await openAsBlob(file), name);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
    console.log(`Uploaded ${name}: ${plural(batch.counts.total, "row")} stored and queued in ${seconds} s.`);
    return batch;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    console.error(`${name} was refused: ${error.message}`);
    return null;
  }
}

async function follow(api: ApiClient, accepted: BatchView): Promise<BatchView> {
  let batch = accepted;
  while (!batch.finished_at) {
    await sleep(100);
    batch = await api.get<BatchView>(`/api/v1/batches/${batch.id}`);
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${progressLine(batch)}`);
  }
  console.log(process.stdout.isTTY ? "" : progressLine(batch));
  return batch;
}

function progressLine({ counts, rows_per_second, seconds_left }: BatchView): string {
  const done = counts.success + counts.failed;
  // A file can have a header and no rows.
  const share = counts.total === 0 ? 1 : done / counts.total;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const rate = rows_per_second === null ? "" : `  ${Math.round(rows_per_second)} rows/s`;
  const left = seconds_left ? `  ${seconds_left} s left` : "";
  return `${bar} ${Math.floor(share * 100)} %  ${done}/${plural(counts.total, "row")}${rate}${left}`;
}

async function showOutcome(api: ApiClient, { counts }: BatchView, failedPath: string): Promise<void> {
  console.log(`\n✓ ${plural(counts.success, "book")} created, ${plural(counts.failed, "row")} failed.`);
  const { items } = await api.get<{ items: RowView[] }>(`${failedPath}&limit=${SHOWN_FAILURES}`);
  if (items.length > 0) console.log("\nFailed rows, numbered as in a spreadsheet:");
  for (const row of items) console.log(`  row ${String(row.row).padStart(5)}  ${row.error_message}`);
  if (counts.failed > items.length) console.log(`  ... and ${counts.failed - items.length} more`);
}
