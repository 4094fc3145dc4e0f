/** Streams an uploaded file into `batch_rows`, segment by segment, and accepts the batch when all of it is there. */
import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError, invalidField } from "../errors.ts";
import { COPY_NULL, CopyBuffer, copySegment, copyValue } from "../platform/copy.ts";
import { type CsvRecord, countExtraFields, openCsv } from "../platform/csv.ts";
import { isDatabaseUnavailable } from "../platform/database.ts";
import { batches } from "../schema/batches.ts";
import { type MatchedHeader, matchHeader } from "../targets/match-header.ts";
import { targetNamed } from "../targets/registry.ts";
import { acceptBatch } from "./accept-batch.ts";
import { newBatchId } from "./ids.ts";
import { RowMarks } from "./plan-chunks.ts";
import { removeBatch } from "./remove-batch.ts";
import { transitions } from "./state.ts";

export interface Upload {
  readonly userId: number;
  readonly target: string;
  readonly filename: string;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves when the request has nothing more to it; throws where the file was cut off or another follows. */
  readonly finish: () => Promise<void>;
}

const MAX_FILENAME = 255;

/** One segment: a transaction short enough to pin nothing, long enough to be cheap. */
const SEGMENT_BYTES = 2 ** 20;
/** A segment is full once it is over its size, by at most what one network chunk of 64 KiB becomes. */
const SEGMENT_CAPACITY = SEGMENT_BYTES + 2 ** 18;

/** A slow client's batch shows a sign of life this often; the reaper allows six times as long. */
const SIGN_OF_LIFE_MS = 20_000;

/**
 * @returns the id of the batch: all its rows are stored and queued
 * @throws DomainError with what is wrong with the file; then nothing of it is left
 */
export async function receiveUpload(ctx: Context, upload: Upload): Promise<string> {
  const csv = await openCsv(upload.file, {}, ctx.config);
  if (!csv.header) {
    await upload.finish();
    throw invalidField("file", "The file is empty. Its first line must be a header.");
  }
  const names = csv.header.names.map((name) => name.replaceAll("\0", "\uFFFD"));
  const target = targetNamed(upload.target);
  const matched = matchHeader(target, names);
  const batchId = await openBatch(ctx, upload, matched);
  try {
    const marks = await storeRows(ctx, batchId, target.isStrict ? names.length : null, csv.records);
    await upload.finish();
    if (marks.count === 0) throw invalidField("file", "The file has a header but no rows.");
    await acceptBatch(ctx, batchId, marks);
    return batchId;
  } catch (error) {
    await abandonUpload(ctx, batchId, error);
    throw error;
  }
}

/** What can't be removed now, the reaper removes; nobody waits for a database that is away. */
async function abandonUpload(ctx: Context, batchId: string, reason: unknown): Promise<void> {
  const removal = removeBatch(ctx, batchId).catch((error) => {
    ctx.log.warn({ err: error, batchId }, "upload left to the reaper");
  });
  if (!isDatabaseUnavailable(reason)) await removal;
}

async function openBatch(ctx: Context, upload: Upload, { header, mapping }: MatchedHeader): Promise<string> {
  const id = newBatchId(ctx.now());
  await ctx.db.insert(batches).values({
    id,
    userId: upload.userId,
    target: upload.target,
    filename: upload.filename.replaceAll("\0", "\uFFFD").slice(0, MAX_FILENAME),
    header,
    mapping,
    rowDelayMs: ctx.config.rowDelayMs,
  });
  return id;
}

async function storeRows(
  ctx: Context,
  batchId: string,
  maxFields: number | null,
  blocks: AsyncIterable<CsvRecord[]>,
): Promise<RowMarks> {
  const marks = new RowMarks();
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
    copySegment(ctx.pool, "COPY batch_rows (batch_id, row_number, fields, problem) FROM STDIN", lines, touch);

  const signOfLife = setInterval(() => {
    touch(ctx.db).catch((error) => ctx.log.warn({ err: error, batchId }, "no sign of life for an upload"));
  }, SIGN_OF_LIFE_MS);
  try {
    let [filling, emptying] = [new CopyBuffer(SEGMENT_CAPACITY), new CopyBuffer(SEGMENT_CAPACITY)];
    let writing: Promise<void> = Promise.resolve();
    const take = async (records: CsvRecord[]) => {
      for (const record of records) {
        marks.add(record.row);
        filling.append(copyLine(batchId, maxFields, record));
      }
      if (filling.length < SEGMENT_BYTES) return;
      // One segment is written while the next is read; with both full, reading waits: that is the backpressure.
      await writing;
      emptying.clear();
      [filling, emptying] = [emptying, filling];
      writing = write(emptying.content());
      writing.catch(() => {});
    };
    for await (const records of blocks) await take(records);
    await writing;
    if (filling.length > 0) await write(filling.content());
    return marks;
  } finally {
    clearInterval(signOfLife);
  }
}

function copyLine(batchId: string, maxFields: number | null, { row, fields, problem }: CsvRecord): string {
  const isTooLong = maxFields !== null && countExtraFields(fields, maxFields) > 0;
  const wrong = problem ?? (isTooLong ? tooManyFields(fields.length, maxFields) : null);
  const cells = copyValue(JSON.stringify(fields));
  return `${batchId}\t${row}\t${cells}\t${wrong === null ? COPY_NULL : copyValue(wrong)}\n`;
}

function tooManyFields(count: number, columns: number): string {
  return `The row has ${count} fields where the header has ${columns}; a delimiter inside a cell needs quotes around the cell.`;
}
