/** How long rows wait: for other rows with a delay, and behind a large file. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BatchView } from "../../src/batches/views.ts";
import { type Bench, type Part, seconds } from "./bench.ts";
import {
  measureImport,
  POLL_MS,
  readStatus,
  sendFile,
  signUp,
  startPrograms,
  stopPrograms,
} from "./rowmill.ts";

const FEW_ROWS = 3;
const DELAYED_ROWS = 10_000;

export async function waitsPart({ rows, databaseUrl, makeFile, emptyTables }: Bench): Promise<Part> {
  const delayed = await makeFile(DELAYED_ROWS);
  const few = await makeFile(FEW_ROWS);
  const large = await makeFile(rows);
  const { doneSeconds } = await measureImport(databaseUrl, delayed.csv, { ROW_DELAY_MS: "500" });
  await emptyTables();
  const behindSeconds = await measureBehind(databaseUrl, large.csv, few.csv);
  return {
    figures: { delayedSeconds: doneSeconds, behindSeconds },
    lines: [
      [`${DELAYED_ROWS.toLocaleString("en")} rows at ROW_DELAY_MS=500`, seconds(doneSeconds), "15.00 s"],
      [`${FEW_ROWS} rows uploaded behind ${rows.toLocaleString("en")}`, seconds(behindSeconds), "3.00 s"],
    ],
  };
}

/** Seconds from the upload of a few rows to their last result, while the file's rows are being processed. */
async function measureBehind(databaseUrl: string, largeCsv: string, fewCsv: string): Promise<number> {
  const { url, programs } = await startPrograms(databaseUrl);
  try {
    const busy = { authorization: `Bearer ${await signUp(url)}` };
    const other = { authorization: `Bearer ${await signUp(url)}` };
    const read = (batch: BatchView, headers: { authorization: string }) =>
      readStatus(`${url}/api/v1/batches/${batch.id}`, headers);
    let ahead = await sendFile(url, largeCsv, busy);
    while (ahead.counts.success === 0) ahead = await read(ahead, busy);
    const startedAt = performance.now();
    let batch = await sendFile(url, fewCsv, other);
    while (!batch.finished_at) {
      await sleep(POLL_MS);
      batch = await read(batch, other);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    if ((await read(ahead, busy)).finished_at)
      throw new Error("The large file was done before the few rows.");
    return seconds;
  } finally {
    await stopPrograms(...programs);
  }
}
