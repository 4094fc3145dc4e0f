/** How long rows wait: for other rows with a delay, and behind a large file. */
import { openAsBlob } from "node:fs";
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

const THREE_ROWS = "title,author\nEmma,Jane Austen\nUlysses,James Joyce\nDracula,Bram Stoker\n";
const DELAYED_ROWS = 10_000;

export async function waitsPart({ rows, databaseUrl, makeFile, emptyTables }: Bench): Promise<Part> {
  const delayed = await makeFile(DELAYED_ROWS);
  const large = await makeFile(rows);
  const { doneSeconds } = await measureImport(databaseUrl, delayed.csv, { ROW_DELAY_MS: "500" });
  await emptyTables();
  const behindSeconds = await measureBehind(databaseUrl, await openAsBlob(large.csv));
  return {
    figures: { delayedSeconds: doneSeconds, behindSeconds },
    lines: [
      [`${DELAYED_ROWS.toLocaleString("en")} rows at ROW_DELAY_MS=500`, seconds(doneSeconds), "15.00 s"],
      [`3 rows uploaded behind ${rows.toLocaleString("en")}`, seconds(behindSeconds), "3.00 s"],
    ],
  };
}

/** Seconds from the upload of three rows to their last result, while the file's rows are being processed. */
async function measureBehind(databaseUrl: string, large: Blob): Promise<number> {
  const { url, programs } = await startPrograms(databaseUrl);
  try {
    const busy = { authorization: `Bearer ${await signUp(url)}` };
    const other = { authorization: `Bearer ${await signUp(url)}` };
    const read = (batch: BatchView, headers: { authorization: string }) =>
      readStatus(`${url}/api/v1/batches/${batch.id}`, headers);
    let ahead = await sendFile(url, large, busy);
    while (ahead.counts.success === 0) ahead = await read(ahead, busy);
    const startedAt = performance.now();
    let batch = await sendFile(url, new Blob([THREE_ROWS]), other);
    while (!batch.finished_at) {
      await sleep(POLL_MS);
      batch = await read(batch, other);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    if ((await read(ahead, busy)).finished_at)
      throw new Error("The large file was done before the three rows.");
    return seconds;
  } finally {
    await stopPrograms(...programs);
  }
}
