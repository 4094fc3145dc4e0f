/** Rowmill as it is run: one API process, one worker process, a client over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Agent, get, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BatchView } from "../../src/batches/views.ts";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { type StatusFloor, startStatusFloor } from "./status-floor.ts";
import { median } from "./table.ts";

export interface Imported {
  readonly batchId: string;
  readonly failed: number;
  readonly headers: { readonly authorization: string };
  readonly acceptedSeconds: number;
  /** From the first byte sent to the last row's result. */
  readonly doneSeconds: number;
  readonly apiPeakMb: number;
  readonly workerPeakMb: number;
  /** Of a status read while the batch runs. */
  readonly statusMs: number;
  /** Of the reads of the floor in between. */
  readonly statusFloorMs: number;
  /** Of a status read after its end, as often as before. */
  readonly statusPacedMs: number;
  /** Of a status read after its end, one after the other. */
  readonly statusIdleMs: number;
}

export const POLL_MS = 50;
const PACED_READS = 40;
const IDLE_READS = 100;

export async function measureImport(
  databaseUrl: string,
  csvPath: string,
  settings: NodeJS.ProcessEnv = {},
  moreWorkers = 0,
): Promise<Imported> {
  const { url, programs } = await startPrograms(databaseUrl, settings, moreWorkers);
  const [api, worker] = programs;
  try {
    await using floor = await startStatusFloor(databaseUrl);
    const imported = await importFile(url, csvPath, api, worker, floor);
    if (imported.failed > 0) throw new Error(`${imported.failed} rows failed.`);
    return imported;
  } finally {
    await stopPrograms(...programs);
  }
}

export async function startPrograms(databaseUrl: string, settings: NodeJS.ProcessEnv = {}, moreWorkers = 0) {
  const { url, env } = await environment(databaseUrl, settings);
  const api = await startProgram("api", env);
  const worker = await startProgram("worker", env);
  const more = await Promise.all(Array.from({ length: moreWorkers }, () => startProgram("worker", env)));
  return { url, env, programs: [api, worker, ...more] as const };
}

export async function startApi(databaseUrl: string) {
  const { url, env } = await environment(databaseUrl, {});
  return { url, api: await startProgram("api", env) };
}

async function environment(databaseUrl: string, settings: NodeJS.ProcessEnv) {
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
  return { url: `http://127.0.0.1:${port}`, env };
}

export async function stopPrograms(...programs: ChildProcess[]): Promise<void> {
  for (const program of programs) {
    program.kill("SIGTERM");
    await once(program, "exit");
  }
}

export async function importFile(
  url: string,
  csvPath: string,
  api: ChildProcess,
  worker: ChildProcess,
  floor?: StatusFloor,
): Promise<Imported> {
  const headers = { authorization: `Bearer ${await signUp(url)}` };
  const startedAt = performance.now();
  let batch = await sendFile(url, csvPath, headers);
  const acceptedSeconds = (performance.now() - startedAt) / 1000;
  const readTimed = async (times: number[], from = `${url}/api/v1/batches/`): Promise<BatchView> => {
    const askedAt = performance.now();
    const read = await readStatus(from + batch.id, headers);
    times.push(performance.now() - askedAt);
    return read;
  };
  const statusMs: number[] = [];
  const statusFloorMs: number[] = [];
  while (!batch.finished_at) {
    await sleep(POLL_MS);
    batch = await readTimed(statusMs);
    if (!floor) continue;
    await sleep(POLL_MS);
    await readTimed(statusFloorMs, floor.url);
  }
  const doneSeconds = (performance.now() - startedAt) / 1000;
  if (batch.counts.success + batch.counts.failed !== batch.counts.total)
    throw new Error(`Not every row was processed: ${JSON.stringify(batch.counts)}`);
  const peaks = { apiPeakMb: peakMb(api), workerPeakMb: peakMb(worker) };
  const statusPacedMs: number[] = [];
  for (let read = 0; read < PACED_READS; read++) {
    await sleep(POLL_MS);
    await readTimed(statusPacedMs);
  }
  const statusIdleMs: number[] = [];
  for (let read = 0; read < IDLE_READS; read++) await readTimed(statusIdleMs);
  return {
    batchId: batch.id,
    failed: batch.counts.failed,
    headers,
    acceptedSeconds,
    doneSeconds,
    ...peaks,
    statusMs: median(statusMs),
    statusFloorMs: median(statusFloorMs),
    statusPacedMs: median(statusPacedMs),
    statusIdleMs: median(statusIdleMs),
  };
}

const BOUNDARY = "rowmill-bench";
const FORM_HEAD = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="books.csv"\r\ncontent-type: text/csv\r\n\r\n`;
const FORM_END = `\r\n--${BOUNDARY}--\r\n`;

/** Sends a file as a form. Not with fetch: it takes half as much processor time as the service that receives the file. */
export async function sendFile(
  url: string,
  csvPath: string,
  headers: { authorization: string },
  query = "target=books",
): Promise<BatchView> {
  const { size } = await stat(csvPath);
  const upload = request(`${url}/api/v1/batches?${query}`, {
    method: "POST",
    headers: {
      ...headers,
      "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
      "content-length": FORM_HEAD.length + size + FORM_END.length,
    },
  });
  const responded = once(upload, "response") as Promise<[IncomingMessage]>;
  upload.write(FORM_HEAD);
  await pipeline(createReadStream(csvPath), upload, { end: false });
  upload.end(FORM_END);
  const [response] = await responded;
  const batch = (await json(response)) as BatchView;
  if (response.statusCode !== 202) throw new Error(`The upload was refused: ${JSON.stringify(batch)}`);
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
export function peakMb({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
