/** Measures how long three rows wait while a large file is processed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BatchView } from "../../src/batches/views.ts";
import { POLL_MS, readStatus, sendFile, signUp, startPrograms, stopPrograms } from "./rowmill.ts";

const THREE_ROWS = "title,author\nEmma,Jane Austen\nUlysses,James Joyce\nDracula,Bram Stoker\n";

/** Seconds from the upload of three rows to their last result, while the file's rows are being processed. */
export async function measureBehind(databaseUrl: string, large: Blob): Promise<number> {
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
