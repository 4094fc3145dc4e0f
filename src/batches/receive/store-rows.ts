/** Writes rows into `batch_rows`, one segment at a time, while the file is still being sent. */
import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import {
  COPY_NULL,
  type CopyBuffer,
  CopyBuffers,
  copySegment,
  copyValue,
} from "../../platform/postgres/copy.ts";
import { transferLife } from "../../platform/process/sign-of-life.ts";
import { batches } from "../../schema/batches.ts";
import { transitions } from "../state.ts";
import { RowMarks } from "./plan-chunks.ts";

/** A segment is one transaction: short, so that it holds no connection for long, but large enough to be cheap. */
const SEGMENT_BYTES = 2 ** 20;
/** A segment ends after the network chunk of 64 KiB that fills it. */
const SEGMENT_CAPACITY = SEGMENT_BYTES + 2 ** 18;
/** An upload that waits for its client or for others holds no buffer. */
const buffers = new CopyBuffers(SEGMENT_CAPACITY, 4);

export interface NewRow {
  readonly row: number;
  /** null, only in a correction: the cell stays unchanged. */
  readonly fields: readonly (string | null)[];
  /** Why the row is not valid CSV; null if it is. */
  readonly problem: string | null;
}

/** The file that the rows come from. */
export interface RowSource {
  /** The bytes of the file that have been read. */
  readonly fileBytes: () => number;
  /** Throws if the user may not store more. */
  readonly check: () => Promise<void>;
}

/** The number of segments after which `check` is called. */
const SEGMENTS_PER_CHECK = 16;

/** The reconciler has removed the upload, because its process gave no sign of life. */
export function uploadRemoved(): DomainError {
  const message = `The upload was interrupted for more than ${transferLife.deadAfterMs / 1000} seconds and was removed. Send the file again.`;
  return new DomainError("conflict", message);
}

/**
 * Stores rows, reading no faster than the database writes.
 * @returns the positions of the rows in the file
 * @throws DomainError `conflict` if the reconciler has removed the upload
 */
export async function storeRows(
  ctx: Context,
  batchId: string,
  blocks: AsyncIterable<readonly NewRow[]>,
  { fileBytes, check }: RowSource,
  marks = new RowMarks(),
): Promise<RowMarks> {
  const isReceiving = and(eq(batches.id, batchId), eq(batches.state, transitions.accept.from[0]));

  /** Gives a sign of life. It also keeps rows from being written for an upload that the reconciler has removed. */
  const touch = async (db: Context["db"]) => {
    const touched = await db
      .update(batches)
      .set({ receivedAt: ctx.now(), totalRows: marks.count, fileBytes: fileBytes() })
      .where(isReceiving)
      .returning({ id: batches.id });
    if (touched.length === 0) throw uploadRemoved();
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
    (error) => ctx.log.warn({ err: error, batchId }, "cannot give a sign of life for an upload"),
  );
  let filling: CopyBuffer | null = null;
  // A function of its own: a suspended one would keep the last row in memory.
  const append = (rows: readonly NewRow[]): CopyBuffer => {
    const buffer = filling ?? buffers.take();
    for (const row of rows) {
      const line = copyLine(batchId, row);
      marks.add(row.row, line.length);
      buffer.append(line);
    }
    return buffer;
  };
  let writing: Promise<void> = Promise.resolve();
  let segments = 0;
  for await (const rows of blocks) {
    if (rows.length === 0) continue;
    const buffer = append(rows);
    filling = buffer;
    if (buffer.length < SEGMENT_BYTES) continue;
    // One segment is written while the next is read. If both are full, reading waits, which slows the client down.
    await writing;
    if (++segments % SEGMENTS_PER_CHECK === 0) await check();
    filling = null;
    writing = write(buffer.content()).then(() => buffers.giveBack(buffer));
    writing.catch(() => {});
    // The next row may be as long, and two of them would be in memory.
    if (buffer.isOversized) await writing;
  }
  await writing;
  if (filling) {
    await write(filling.content());
    buffers.giveBack(filling);
  }
  return marks;
}

function copyLine(batchId: string, { row, fields, problem }: NewRow): string {
  const cells = copyValue(JSON.stringify(fields));
  return `${batchId}\t${row}\t${cells}\t${problem === null ? COPY_NULL : copyValue(problem)}\n`;
}
