/** Streams an uploaded file into `batch_rows`, segment by segment, and accepts the batch when all of it is there. */
import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError, invalidField } from "../errors.ts";
import { COPY_NULL, CopyBuffer, copySegment, copyValue } from "../platform/copy.ts";
import { type CsvRecord, readCsv } from "../platform/csv.ts";
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
  const blocks = readCsv(upload.file, ctx.config);
  const first = await blocks.next();
  const [headerRecord, ...firstRows] = first.value ?? [];
  if (!headerRecord) {
    await upload.finish();
    throw invalidField("file", "The file is empty. Its first line must be a header.");
  }
  const matched = readHeader(ctx, upload, headerRecord);
  const batchId = await openBatch(ctx, upload, matched);
  try {
    const marks = await storeRows(ctx, batchId, firstRows, blocks);
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

function readHeader(ctx: Context, upload: Upload, { fields, problem }: CsvRecord): MatchedHeader {
  const { uploadMaxColumns } = ctx.config;
  if (problem) throw invalidField("file", `The header can't be read. ${problem}`);
  if (fields.length > uploadMaxColumns) {
    throw new DomainError(
      "too_large",
      `The header has ${fields.length} columns; UPLOAD_MAX_COLUMNS is ${uploadMaxColumns}.`,
    );
  }
  const names = fields.map((name) => name.replaceAll("\0", "\uFFFD"));
  return matchHeader(targetNamed(upload.target), names);
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
  firstRows: CsvRecord[],
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
        filling.append(copyLine(batchId, record));
      }
      if (filling.length < SEGMENT_BYTES) return;
      // One segment is written while the next is read; with both full, reading waits: that is the backpressure.
      await writing;
      emptying.clear();
      [filling, emptying] = [emptying, filling];
      writing = write(emptying.content());
      writing.catch(() => {});
    };
    await take(firstRows);
    for await (const records of blocks) await take(records);
    await writing;
    if (filling.length > 0) await write(filling.content());
    return marks;
  } finally {
    clearInterval(signOfLife);
  }
}

function copyLine(batchId: string, { row, fields, problem }: CsvRecord): string {
  const cells = copyValue(JSON.stringify(fields));
  return `${batchId}\t${row}\t${cells}\t${problem === null ? COPY_NULL : copyValue(problem)}\n`;
}
