/** A newcomer's first minute: a real CSV goes in over HTTP, its progress is drawn, and what came of it is shown. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, openAsBlob, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RowView } from "../batches/row-views.ts";
import type { BatchView } from "../batches/views.ts";
import type { Config } from "../config.ts";

const SAMPLE = fileURLToPath(new URL("./books.csv", import.meta.url));
const USERNAME = "demo";
const SHOWN_FAILURES = 20;
const BAR_WIDTH = 40;

/** @returns whether the batch was processed to its end */
export async function runDemo(config: Config, file = SAMPLE): Promise<boolean> {
  const api = new DemoClient(config);
  console.log(`\nRowmill serves ${config.publicUrl}\n`);
  await api.signIn();
  const startedAt = performance.now();
  const accepted = await api.upload(file);
  if ("detail" in accepted) {
    console.error(`${basename(file)} was refused: ${accepted.detail}`);
    return false;
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
  console.log(`Uploaded ${basename(file)}: ${accepted.counts.total} rows stored and queued in ${seconds} s.`);
  console.log(
    `Each row takes ${config.rowDelayMs} ms of simulated work (ROW_DELAY_MS); rows run side by side.\n`,
  );
  const batch = await follow(api, accepted);
  await showOutcome(api, batch, config.publicUrl);
  return true;
}

async function follow(api: DemoClient, accepted: BatchView): Promise<BatchView> {
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
  const share = done / counts.total;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const rate = rows_per_second === null ? "" : `  ${rows_per_second} rows/s`;
  const left = seconds_left ? `  ${seconds_left} s left` : "";
  return `${bar} ${Math.floor(share * 100)} %  ${done}/${counts.total}${rate}${left}`;
}

async function showOutcome(api: DemoClient, batch: BatchView, url: string): Promise<void> {
  const { counts } = batch;
  console.log(
    `\n${batch.state}: ${counts.success} books made, ${counts.failed} rows failed, ${batch.rows_per_second} rows/s.`,
  );
  const failedPath = `/api/v1/batches/${batch.id}/rows?status=failed`;
  const failed = await api.get<{ items: RowView[] }>(`${failedPath}&limit=${SHOWN_FAILURES}`);
  if (failed.items.length > 0) console.log("\nFailed rows, numbered as a spreadsheet shows them:");
  for (const row of failed.items) console.log(`  row ${String(row.row).padStart(5)}  ${row.error_message}`);
  if (counts.failed > failed.items.length)
    console.log(`  ... and ${counts.failed - failed.items.length} more`);
  console.log(`\nWhere to look next:\n  ${url}/docs\n`);
  console.log(`  curl -H "Authorization: Bearer ${api.token}" "${url}${failedPath}"`);
}

/** The API as any client sees it. */
class DemoClient {
  readonly #base: string;
  readonly #passwordFile: string;
  token = "";

  constructor(config: Config) {
    this.#base = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${config.port}`;
    this.#passwordFile = join(config.dataDir, "demo-password");
  }

  /** The demo user is made at the first time and used again after that. */
  async signIn(): Promise<void> {
    mkdirSync(dirname(this.#passwordFile), { recursive: true });
    if (!existsSync(this.#passwordFile))
      writeFileSync(this.#passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600 });
    const body = JSON.stringify({ username: USERNAME, password: readFileSync(this.#passwordFile, "utf8") });
    const send = (path: string) =>
      fetch(this.#base + path, { method: "POST", body, headers: { "content-type": "application/json" } });
    const made = await send("/api/v1/auth/signup");
    const response = made.ok ? made : await send("/api/v1/auth/login");
    const answer = (await response.json()) as { access: string; detail?: string };
    if (!response.ok) throw new Error(`The demo user can't log in: ${answer.detail}`);
    this.token = answer.access;
  }

  /** Also where the demo has run before: whoever runs it again wants to see it again. */
  async upload(file: string): Promise<BatchView | { detail: string }> {
    const form = new FormData();
    form.set("file", await openAsBlob(file), basename(file));
    const response = await fetch(`${this.#base}/api/v1/batches?target=books&mode=append&force=true`, {
      method: "POST",
      body: form,
      headers: this.#headers,
    });
    return (await response.json()) as BatchView | { detail: string };
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.#base + path, { headers: this.#headers });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as T;
  }

  get #headers() {
    return { authorization: `Bearer ${this.token}` };
  }
}
