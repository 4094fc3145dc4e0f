/** Writes rows into `batch_rows`, one segment at a time, while the file is still being sent. */
import { and, eq, sql } from "drizzle-orm";
import pLimit, { type LimitFunction } from "p-limit";
import type pg from "pg";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { onePer } from "../../platform/one-per.ts";
import { type CopyBuffer, CopyBuffers, copySegment } from "../../platform/postgres/copy.ts";
import { transferLife } from "../../platform/process/sign-of-life.ts";
import { batches } from "../../schema/batches.ts";
import { transitions } from "../state.ts";
import { appendRow, beginningOf, COPY_ROWS, type NewRow } from "./copy-row.ts";
import { RowMarks } from "./plan-chunks.ts";

/** A segment is one transaction: short, so that it holds no connection for long, but large enough to be cheap. */
const SEGMENT_BYTES = 2 ** 20;
/** A segment ends after the network chunk of 64 KiB that fills it. */
const SEGMENT_CAPACITY = SEGMENT_BYTES + 2 ** 18;
/** An upload that waits for its client or for others holds no buffer. */
const buffers = new CopyBuffers(SEGMENT_CAPACITY, 6);

/**
 * Every upload writes one segment at a time. A second one is written at the same time if it gets one of these, so that the
 * database need not wait for a process that reads the next one. All uploads share them, so that they leave connections to others.
 */
const SECOND_WRITES = 2;
let secondWritesLeft = SECOND_WRITES;

/**
 * Segments wait for each other here, however long, and not for a connection: the pool refuses who waits for 10 seconds, and a slow disk
 * would cost many uploads. Half of the connections are left to all other requests.
 */
const turns = onePer<pg.Pool, LimitFunction>();
const turnsOf = (pool: pg.Pool) => turns(pool, () => pLimit(Math.max(1, Math.floor(pool.options.max / 2))));

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
  const touch = (db: Context["db"]) =>
    touchUpload({ ...ctx, db }, batchId, { rows: marks.count, fileBytes: fileBytes() });
  using _signs = transferLife.start(
    () => touch(ctx.db),
    (error) => ctx.log.warn({ err: error, batchId }, "cannot give a sign of life for an upload"),
  );
  let filling: CopyBuffer | null = null;
  const beginning = beginningOf(batchId);
  // A function of its own: a suspended one would keep the last row in memory.
  const append = (rows: readonly NewRow[]): CopyBuffer => {
    const buffer = filling ?? buffers.take();
    for (const row of rows) {
      const before = buffer.length;
      appendRow(buffer, beginning, row);
      marks.add(row.row, buffer.length - before);
    }
    return buffer;
  };
  const inTurn = turnsOf(ctx.pool);
  const segments = new SegmentWriter((content) => inTurn(copySegment, ctx.pool, COPY_ROWS, content, touch));
  for await (const rows of blocks) {
    if (rows.length === 0) continue;
    const buffer = append(rows);
    filling = buffer;
    if (buffer.length < SEGMENT_BYTES) continue;
    // Segments are written while the next one is read. If none may be written now, reading waits, which slows the client down.
    if (segments.count > 0 && segments.count % SEGMENTS_PER_CHECK === 0) await check();
    await segments.untilReady();
    filling = null;
    segments.write(buffer);
    // The next row may be as long, and two of them would be in memory.
    if (buffer.isOversized) await segments.end();
  }
  if (filling) {
    await segments.untilReady();
    segments.write(filling);
  }
  await segments.end();
  return marks;
}

/** Gives a sign of life. It also keeps rows from being stored for an upload that the reconciler has removed. */
async function touchUpload(
  { db, now }: Pick<Context, "db" | "now">,
  batchId: string,
  { rows, fileBytes }: { readonly rows: number; readonly fileBytes: number },
): Promise<void> {
  const touched = await db
    .update(batches)
    // Of two segments, the one that was filled first may end last.
    .set({
      receivedAt: now(),
      totalRows: sql`greatest(${batches.totalRows}, ${rows})`,
      fileBytes: sql`greatest(${batches.fileBytes}, ${fileBytes})`,
    })
    .where(and(eq(batches.id, batchId), eq(batches.state, transitions.accept.from[0])))
    .returning({ id: batches.id });
  if (touched.length === 0) throw uploadRemoved();
}

/** Writes the segments of one upload, at most two at a time. After an error, every call throws it. */
class SegmentWriter {
  /** The segments so far. */
  count = 0;
  readonly #write: (content: Buffer) => Promise<void>;
  /** They never reject. */
  readonly #writing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  constructor(write: (content: Buffer) => Promise<void>) {
    this.#write = write;
  }

  /** Waits until one more segment may be written. */
  async untilReady(): Promise<void> {
    // Two uploads may take the last place at the same time. Then there are fewer than none until they have ended.
    await this.#wait(() => this.#writing.size > 1 || (this.#writing.size === 1 && secondWritesLeft <= 0));
  }

  /** Call it after `untilReady`. */
  write(buffer: CopyBuffer): void {
    this.count++;
    const isSecond = this.#writing.size > 0;
    if (isSecond) secondWritesLeft--;
    const written: Promise<void> = this.#write(buffer.content())
      .then(() => buffers.giveBack(buffer))
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        if (isSecond) secondWritesLeft++;
        this.#writing.delete(written);
      });
    this.#writing.add(written);
  }

  /** Waits until all segments are stored. */
  async end(): Promise<void> {
    await this.#wait(() => this.#writing.size > 0);
  }

  async #wait(mustWait: () => boolean): Promise<void> {
    while (!this.#failure && mustWait()) await Promise.race(this.#writing);
    if (this.#failure) throw this.#failure.error;
  }
}
