/** Rows of a file into `batch_rows`, a segment at a time, while the file is still being sent. */
import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { COPY_NULL, CopyBuffer, copySegment, copyValue } from "../../platform/postgres/copy.ts";
import { transferLife } from "../../platform/process/sign-of-life.ts";
import { batches } from "../../schema/batches.ts";
import { transitions } from "../state.ts";
import { RowMarks } from "./plan-chunks.ts";

/** One segment: a transaction short enough to pin nothing, long enough to be cheap. */
const SEGMENT_BYTES = 2 ** 20;
/** A segment is full once it is over its size, by at most what one network chunk of 64 KiB becomes. */
const SEGMENT_CAPACITY = SEGMENT_BYTES + 2 ** 18;

export interface NewRow {
  readonly row: number;
  readonly fields: readonly (string | null)[];
  readonly problem: string | null;
}

/**
 * Reads as fast as the database takes the rows, and no faster.
 * @returns where the rows are in the file
 */
export async function storeRows(
  ctx: Context,
  batchId: string,
  blocks: AsyncIterable<readonly NewRow[]>,
  marks = new RowMarks(),
): Promise<RowMarks> {
  const isReceiving = and(eq(batches.id, batchId), eq(batches.state, transitions.accept.from[0]));

  /** Also the sign of life. Where the reaper was faster, nothing may be written any more. */
  const touch = async (db: Context["db"]) => {
    const touched = await db
      .update(batches)
      .set({ receivedAt: ctx.now(), totalRows: marks.count })
      .where(isReceiving)
      .returning({ id: batches.id });
    if (touched.length === 0)
      throw new DomainError("conflict", "The upload took too long without a byte and was removed.");
  };
  const write = (lines: Buffer) =>
    copySegment(
      ctx.pool,
      "COPY rowmill.batch_rows (batch_id, row_number, fields, problem) FROM STDIN",
      lines,
      touch,
    );

  using _signs = transferLife.start(
    () => touch(ctx.db),
    (error) => ctx.log.warn({ err: error, batchId }, "no sign of life for an upload"),
  );
  let [filling, emptying] = [new CopyBuffer(SEGMENT_CAPACITY), new CopyBuffer(SEGMENT_CAPACITY)];
  let writing: Promise<void> = Promise.resolve();
  for await (const rows of blocks) {
    for (const row of rows) {
      marks.add(row.row);
      filling.append(copyLine(batchId, row));
    }
    if (filling.length < SEGMENT_BYTES) continue;
    // One segment is written while the next is read; with both full, reading waits: that is the backpressure.
    await writing;
    emptying.clear();
    [filling, emptying] = [emptying, filling];
    writing = write(emptying.content());
    writing.catch(() => {});
  }
  await writing;
  if (filling.length > 0) await write(filling.content());
  return marks;
}

function copyLine(batchId: string, { row, fields, problem }: NewRow): string {
  const cells = copyValue(JSON.stringify(fields));
  return `${batchId}\t${row}\t${cells}\t${problem === null ? COPY_NULL : copyValue(problem)}\n`;
}
