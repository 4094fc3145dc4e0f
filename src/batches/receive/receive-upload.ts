/** Streams an uploaded file into `batch_rows` and queues the batch when the whole file is stored. */
import { createHash, type Hash } from "node:crypto";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { nameOf } from "../../files/names.ts";
import { openCsv } from "../../platform/csv/open-csv.ts";
import { unpacked } from "../../platform/csv/unpack.ts";
import { isDatabaseUnavailable } from "../../platform/postgres/database.ts";
import type { Role } from "../../schema/accounts.ts";
import { batches } from "../../schema/batches.ts";
import { type MatchedHeader, matchHeader, parseMapping } from "../../targets/match-header.ts";
import type { Target } from "../../targets/target.ts";
import { newBatchId } from "../ids.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";
import { acceptBatch } from "./accept-batch.ts";
import { RowMarks } from "./plan-chunks.ts";
import { uploadedColumnsOf } from "./result-columns.ts";
import { storeRows } from "./store-rows.ts";
import { csvOptionsOf, fingerprintOf, targetOf, type UploadOptions } from "./upload-options.ts";

export interface Upload {
  readonly userId: number;
  readonly role: Role;
  readonly filename: string;
  readonly options: UploadOptions;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves at the end of the request. Throws if the file was cut off or a second file follows. */
  readonly finish: () => Promise<void>;
  /** Runs in the transaction that queues the batch. */
  readonly onAccepted?: (tx: Tx, received: Received, contentHash: Buffer) => Promise<void>;
}

export interface Received {
  readonly batch: StoredBatch;
  /** Whether `batch` is an earlier batch of the same file. */
  readonly isReplay: boolean;
}

/** The results of a row target are stored per chunk, and a crash repeats the calls of a chunk. */
const ROW_TARGET_CHUNK_ROWS = 100;

/**
 * Receives a file and queues its batch. If this throws, nothing of the batch remains.
 * @throws DomainError if the options or the file are invalid, or a limit is exceeded
 */
export async function receiveUpload(ctx: Context, upload: Upload): Promise<Received> {
  const { options } = upload;
  const target = targetOf(options, upload.role);
  const mapping = options.mapping === undefined ? undefined : parseMapping(options.mapping);
  const hash = createHash("sha256");
  const bytes = unpacked(hashed(upload.file, hash), ctx.config.uploadMaxBytes);
  const csv = await openCsv(bytes, csvOptionsOf(options), ctx.config);
  if (!csv.header) {
    await upload.finish();
    throw invalidField("file", "The file is empty. Its first line must be a header.");
  }
  const columns = uploadedColumnsOf(csv.header.names);
  const batchId = await openBatch(ctx, upload, matchHeader(target, columns.names, mapping));
  const maxChunkRows = chunkRowsOf(target, options);
  try {
    const marks = await storeRows(ctx, batchId, columns.rows(csv.records), new RowMarks(maxChunkRows));
    await upload.finish();
    if (marks.count === 0) throw invalidField("file", "The file has a header but no rows.");
    const contentHash = hash.digest();
    const fingerprint = fingerprintOf(contentHash, options);
    const received = await inTransaction(ctx, async (tx) => {
      const accepted = await acceptBatch(
        tx,
        { id: batchId, userId: upload.userId },
        { marks, contentHash, fingerprint, dialect: { ...csv.dialect }, warnings: { ...csv.warnings } },
        { mayReplay: !options.force && !options.dry_run, maxChunkRows },
      );
      const batch = await getBatch(tx, upload.userId, accepted);
      const received = { batch, isReplay: accepted !== batchId };
      await upload.onAccepted?.(tx, received, contentHash);
      return received;
    });
    if (received.isReplay) await abandonUpload(ctx, batchId, null);
    return received;
  } catch (error) {
    await abandonUpload(ctx, batchId, error);
    throw error;
  }
}

async function* hashed(file: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const bytes of file) {
    hash.update(bytes);
    yield bytes;
  }
}

/** Removes a batch that is not needed. If that fails, the reconciler removes it later. */
async function abandonUpload(ctx: Context, batchId: string, reason: unknown): Promise<void> {
  const removal = removeBatch(ctx, batchId).catch((error) => {
    ctx.log.warn({ err: error, batchId }, "cannot remove an upload; the reconciler will");
  });
  // The client does not wait for a database that is unavailable.
  if (!isDatabaseUnavailable(reason)) await removal;
}

async function openBatch(ctx: Context, upload: Upload, { header, mapping }: MatchedHeader): Promise<string> {
  const { options } = upload;
  const id = newBatchId(ctx.now());
  await ctx.db.insert(batches).values({
    id,
    userId: upload.userId,
    target: options.target,
    filename: nameOf(upload.filename || "upload.csv"),
    header,
    mapping,
    mode: options.mode,
    policy: options.policy,
    isDryRun: options.dry_run,
    maxErrors: options.max_errors ?? null,
    rowsPerSecond: options.rows_per_second ?? null,
    rowDelayMs: options.row_delay_ms ?? ctx.config.rowDelayMs,
  });
  return id;
}

/** The limit that the target and the options set. Undefined: chunks have the fastest size. */
function chunkRowsOf(target: Target, { rows_per_second: rate }: UploadOptions): number | undefined {
  const ofTarget = target.maxChunkRows ?? ("handle" in target ? ROW_TARGET_CHUNK_ROWS : undefined);
  const limits = [ofTarget, rate].filter((limit) => limit !== undefined);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}
