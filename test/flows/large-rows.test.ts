import { expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { command } from "../support/batches.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { END, MULTIPART, partHead } from "../support/raw-upload.ts";

const ROWS = 50;
const COLUMNS = 4;
const CELL_BYTES = 750_000;
/** The limit that docs/operations/security.md promises. */
const MAX_MIB = 400;

/** Rows of 3 MB, each different, as a stream: the test must not hold 150 MB itself. */
async function* largeFile(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(
    `${partHead()}key,${Array.from({ length: COLUMNS }, (_, index) => `c${index}`).join()}\n`,
  );
  for (let row = 0; row < ROWS; row++) {
    const cell = `${row} é ""quoted"" ${"and long ".repeat(20)}`.repeat(4000).slice(0, CELL_BYTES);
    yield Buffer.from(
      `${row},${Array.from({ length: COLUMNS }, () => `"${cell.replace(/"+$/, "")}"`).join()}\n`,
    );
  }
  yield Buffer.from(END);
}

/** Older versions planned chunks of 25 rows, whatever the size of the rows. */
async function planAsOlderVersions({ ctx }: Programs, batchId: string): Promise<void> {
  const isFirst = (row: string) => `(${row} - 2) % 25 = 0`;
  for (const statement of [
    `DELETE FROM rowmill.chunks WHERE batch_id = $1 AND NOT ${isFirst("first_row")}`,
    "UPDATE rowmill.chunks SET last_row = first_row + 24, row_count = 25, bytes = NULL WHERE batch_id = $1",
    "UPDATE rowmill.batches SET chunks_left = 2 WHERE id = $1",
    `DELETE FROM rowmill_queue.job WHERE data->>'batchId' = $1::text AND NOT ${isFirst("(data->>'firstRow')::int")}`,
  ])
    await ctx.pool.query(statement, [batchId]);
}

test("a worker stays below 400 MB with rows of 3 MB in chunks of 25", { timeout: 600_000 }, async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const [user, other] = [await api.client.signUp("large"), await api.client.signUp("small")];
  const { status, body } = await user.send<BatchView>("POST", "/api/v1/batches?target=records", {
    headers: MULTIPART,
    body: ReadableStream.from(largeFile()),
    duplex: "half",
  });
  expect(status).toBe(202);
  const { id } = body;
  await planAsOlderVersions(rowmill, id);
  const worker = await rowmill.startWorker();
  const { body: small } = await other.upload("title,author\nEmma,Austen\n");
  expect((await other.finished(small.id)).counts.success).toBe(1);
  expect((await user.finished(id, 400_000)).counts.success).toBe(ROWS);
  await command(user, id, "undo");
  await user.finished(id, 200_000);
  expect(worker.hasEnded).toBe(false);
  expect(worker.peakMemory).toBeLessThan(MAX_MIB);
});
