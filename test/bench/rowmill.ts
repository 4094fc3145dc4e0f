/** Rowmill as it is run: one API process, one worker process, a client over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { openAsBlob, readFileSync } from "node:fs";
import { Agent, get, type OutgoingHttpHeaders } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BatchView } from "../../src/batches/views.ts";
import { freePort } from "../../src/platform/postgres/embedded-postgres.ts";
import { measureExport, measureExportFloor } from "./export.ts";
import { median } from "./table.ts";

export interface Measured {
  readonly acceptedSeconds: number;
  /** From the first byte sent to the last row's result. */
  readonly doneSeconds: number;
  readonly apiPeakMb: number;
  readonly workerPeakMb: number;
  /** Of a status read while the batch runs. */
  readonly statusMs: number;
  readonly exportSeconds: number;
  readonly exportFloorSeconds: number;
  /** Of an API that does nothing but the export. */
  readonly exportPeakMb: number;
}

export const POLL_MS = 50;

export async function measureRowmill(
  databaseUrl: string,
  csvPath: string,
  settings: NodeJS.ProcessEnv = {},
): Promise<Measured> {
  const { url, env, programs } = await startPrograms(databaseUrl, settings);
  const [api, worker] = programs;
  let imported: Awaited<ReturnType<typeof importFile>>;
  try {
    imported = await importFile(url, csvPath, api, worker);
  } finally {
    await stopPrograms(...programs);
  }
  const { batch, headers, ...measured } = imported;
  const exporter = await startProgram("api", env);
  try {
    const exportFloorSeconds = await measureExportFloor(databaseUrl, batch.id);
    const exportSeconds = await measureExport(url, batch.id, headers, batch.counts.total);
    return { ...measured, exportFloorSeconds, exportSeconds, exportPeakMb: peakMb(exporter) };
  } finally {
    await stopPrograms(exporter);
  }
}

export async function startPrograms(databaseUrl: string, settings: NodeJS.ProcessEnv = {}) {
  const port = await freePort();
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    JWT_SECRET: "bench".repeat(10),
    PORT: String(port),
    LOG_LEVEL: "warn",
    ROW_DELAY_MS: "0",
    ...settings,
  };
  const url = `http://127.0.0.1:${port}`;
  const api = await startProgram("api", env);
  const worker = await startProgram("worker", env);
  return { url, env, programs: [api, worker] as const };
}

export async function stopPrograms(...programs: ChildProcess[]): Promise<void> {
  for (const program of programs) {
    program.kill("SIGTERM");
    await once(program, "exit");
  }
}

async function importFile(url: string, csvPath: string, api: ChildProcess, worker: ChildProcess) {
  const headers = { authorization: `Bearer ${await signUp(url)}` };
  const content = await openAsBlob(csvPath);
  const startedAt = performance.now();
  let batch = await sendFile(url, content, headers);
  const acceptedSeconds = (performance.now() - startedAt) / 1000;
  const statusMs: number[] = [];
  while (!batch.finished_at) {
    await sleep(POLL_MS);
    const askedAt = performance.now();
    batch = await readStatus(`${url}/api/v1/batches/${batch.id}`, headers);
    statusMs.push(performance.now() - askedAt);
  }
  const doneSeconds = (performance.now() - startedAt) / 1000;
  if (batch.counts.success !== batch.counts.total)
    throw new Error(`Not every row succeeded: ${JSON.stringify(batch.counts)}`);
  return {
    batch,
    headers,
    acceptedSeconds,
    doneSeconds,
    apiPeakMb: peakMb(api),
    workerPeakMb: peakMb(worker),
    statusMs: median(statusMs),
  };
}

export async function sendFile(
  url: string,
  content: Blob,
  headers: { authorization: string },
  query = "target=books",
): Promise<BatchView> {
  const form = new FormData();
  form.set("file", content, "books.csv");
  const response = await fetch(`${url}/api/v1/batches?${query}`, { method: "POST", body: form, headers });
  const batch = (await response.json()) as BatchView;
  if (response.status !== 202) throw new Error(`The upload was refused: ${JSON.stringify(batch)}`);
  return batch;
}

const kept = new Agent({ keepAlive: true });

/** On a kept connection and without fetch, whose own work would count as the service's. */
export async function readStatus<T = BatchView>(url: string, headers: OutgoingHttpHeaders): Promise<T> {
  const [response] = await once(get(url, { agent: kept, headers }), "response");
  return (await json(response)) as T;
}

export async function signUp(url: string): Promise<string> {
  const body = JSON.stringify({ username: `bench-${randomUUID()}`, password: "benchmark" });
  const response = await fetch(`${url}/api/v1/auth/signup`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  return ((await response.json()) as { access: string }).access;
}

async function startProgram(name: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const script = fileURLToPath(new URL(`../../src/${name}.ts`, import.meta.url));
  const program = spawn(process.execPath, [...process.execArgv, script], {
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [ready] = await Promise.race([once(program, "message"), once(program, "exit")]);
  if (ready !== "ready") throw new Error(`${name} did not start`);
  return program;
}

/** The kernel's high-water mark of the process's resident memory. */
function peakMb({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
