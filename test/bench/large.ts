/** A large upload beside a small one: memory, pages, the first bytes of results, undo and deletion. */
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { type ClientRequest, get, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, type Line, megabytes, milliseconds, type Part, seconds, times } from "./bench.ts";
import { writeFailingBooks } from "./books-file.ts";
import { importFile, POLL_MS, peakMb, readStatus, startPrograms, stopPrograms } from "./rowmill.ts";
import { SMALL_ROWS } from "./rows.ts";
import { median } from "./table.ts";

/** A small upload takes two seconds, and its deletion a tenth of one. */
const SMALL_RUNS = 3;
/** Rows that the cache of the server does not hold, as those of larger uploads: an upload of this size is deleted from the disk as well. */
const MIDDLE_ROWS = 1_000_000;
const READS = 5;

/** The reads of a batch, each by the part of its URL that follows the path of the batch. */
const READ = {
  status: "",
  "first page of rows": "/rows",
  "first page of failed rows": "/rows?status=failed",
  "first page of successful rows": "/rows?status=success",
  "causes of the failed rows": "/errors",
  "first byte of results/all.csv": "/results/all.csv",
  "first byte of results/failed.csv": "/results/failed.csv",
} as const;
type Read = keyof typeof READ;

interface Run extends Readonly<Record<Read, number>> {
  readonly acceptedSeconds: number;
  readonly doneSeconds: number;
  readonly apiPeakMb: number;
  readonly workerPeakMb: number;
  /** Of the API after it has read results as well. */
  readonly apiReadPeakMb: number;
  readonly undoSeconds: number;
  readonly deleteSeconds: number;
}

interface Size {
  readonly rows: number;
  readonly runs: readonly Run[];
}

export async function largePart(bench: Bench): Promise<Part> {
  const measure = async (rows: number, runs: number): Promise<Size> => {
    const measured: Run[] = [];
    for (let run = 0; run < runs; run++) measured.push(await measureOnce(bench, rows));
    return { rows, runs: measured };
  };
  const small = await measure(SMALL_ROWS, SMALL_RUNS);
  const middle = bench.rows > MIDDLE_ROWS ? await measure(MIDDLE_ROWS, 1) : null;
  const big = await measure(bench.rows, bench.runs);
  const figures: Record<string, number> = {};
  const read = ({ rows, runs }: Size, key: keyof Run): number => {
    const value = median(runs.map((run) => run[key]));
    figures[`${key} of ${rows}`] = value;
    return value;
  };
  const compare =
    (other: Size) =>
    (what: string, key: keyof Run, show: (value: number) => string, reach = ""): Line => {
      const [from, to] = [read(other, key), read(big, key)];
      return [what, columns(show(from), show(to), times(to / from)), reach];
    };
  const title = (what: string, other: Size): Line => [
    what,
    columns(other.rows.toLocaleString("en"), big.rows.toLocaleString("en"), "ratio"),
    "",
  ];
  const linear = (other: Size): Line[] => {
    const reach = times(big.rows / other.rows);
    return [
      compare(other)("undo", "undoSeconds", seconds, reach),
      compare(other)("deletion", "deleteSeconds", seconds, reach),
    ];
  };
  const line = compare(small);
  return {
    figures,
    lines: [
      title("a large upload", small),
      line("upload answered 202", "acceptedSeconds", seconds),
      line("last row done", "doneSeconds", seconds),
      line("peak memory, API", "apiPeakMb", megabytes, "1.20 x"),
      line("peak memory, API that has read results", "apiReadPeakMb", megabytes, "1.20 x"),
      line("peak memory, worker", "workerPeakMb", megabytes, "1.20 x"),
      ...(Object.keys(READ) as Read[]).map((name) => line(name, name, milliseconds, "1.00 x")),
      ...linear(small),
      ...(middle ? [title("beside one that no cache holds", middle), ...linear(middle)] : []),
    ],
  };
}

const columns = (...values: string[]) => values.map((value) => value.padStart(11)).join("");

async function measureOnce({ databaseUrl, folder, emptyTables }: Bench, rows: number): Promise<Run> {
  await emptyTables();
  const csv = join(folder, `failing-${rows}.csv`);
  await writeFailingBooks(rows, csv);
  const { url, programs } = await startPrograms(databaseUrl);
  const [api, worker] = programs;
  try {
    const { batchId, headers, ...imported } = await importFile(url, csv, api, worker);
    await rm(csv);
    const batchUrl = `${url}/api/v1/batches/${batchId}`;
    const reads: Partial<Record<Read, number>> = {};
    for (const name of Object.keys(READ) as Read[])
      reads[name] = await measureReads(`${batchUrl}${READ[name]}`, headers);
    const apiReadPeakMb = peakMb(api);
    const undoSeconds = await timed(async () => {
      await send("POST", `${batchUrl}/undo`, headers);
      while ((await readStatus(batchUrl, headers)).state !== "undone") await sleep(POLL_MS);
    });
    const deleteSeconds = await timed(() => send("DELETE", batchUrl, headers));
    return { ...imported, ...(reads as Record<Read, number>), apiReadPeakMb, undoSeconds, deleteSeconds };
  } finally {
    await stopPrograms(...programs);
  }
}

/** Milliseconds to the first byte of the body, the median of several reads after a first one. */
async function measureReads(url: string, headers: OutgoingHttpHeaders): Promise<number> {
  const measured: number[] = [];
  for (let read = 0; read <= READS; read++)
    measured.push(
      1000 *
        (await timed(async () => {
          const sent = get(url, { headers });
          const response = await responseOf(sent);
          await once(response, "readable");
          response.destroy();
        })),
    );
  return median(measured.slice(1));
}

async function send(method: string, url: string, headers: OutgoingHttpHeaders): Promise<void> {
  const sent = request(url, { method, headers });
  sent.end();
  const response = await responseOf(sent);
  response.resume();
  await once(response, "end");
}

async function responseOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  if (!response.statusCode || response.statusCode >= 300) throw new Error(`Status ${response.statusCode}`);
  return response;
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return (performance.now() - startedAt) / 1000;
}
