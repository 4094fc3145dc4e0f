/** Streams an uploaded file into `batch_rows`, segment by segment, and accepts the batch when all of it is there. */
import { createHash, type Hash } from "node:crypto";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { openCsv } from "../../platform/csv/open-csv.ts";
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
import { shapeOf } from "./result-columns.ts";
import { storeRows } from "./store-rows.ts";
import { csvOptionsOf, fingerprintOf, targetOf, type UploadOptions } from "./upload-options.ts";

export interface Upload {
  readonly userId: number;
  readonly role: Role;
  readonly filename: string;
  readonly options: UploadOptions;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves when the request has nothing more to it; throws where the file was cut off or another follows. */
  readonly finish: () => Promise<void>;
  /** Runs in the transaction that accepts the batch. */
  readonly onAccepted?: (tx: Tx, received: Received, contentHash: Buffer) => Promise<void>;
}

export interface Received {
  readonly batch: StoredBatch;
  /** The file was uploaded before, and that batch stands for this one too. */
  readonly isReplay: boolean;
}

const MAX_FILENAME = 255;
/** Rows that are handled one by one outside are told, and after a crash repeated, a chunk at a time. */
const ROW_WISE_CHUNK_ROWS = 100;

/**
 * All rows of the batch are stored and queued, or nothing of it is left.
 * @throws DomainError with what is wrong with the file
 */
export async function receiveUpload(ctx: Context, upload: Upload): Promise<Received> {
  const { options } = upload;
  const target = targetOf(options, upload.role);
  const mapping = options.mapping === undefined ? undefined : parseMapping(options.mapping);
  const hash = createHash("sha256");
  const csv = await openCsv(hashed(upload.file, hash), csvOptionsOf(options), ctx.config);
  if (!csv.header) {
    await upload.finish();
    throw invalidField("file", "The file is empty. Its first line must be a header.");
  }
  const shape = shapeOf(csv.header.names);
  const batchId = await openBatch(ctx, upload, matchHeader(target, shape.names, mapping));
  const maxChunkRows = chunkRowsOf(target, options);
  try {
    const marks = await storeRows(ctx, batchId, shape.rows(csv.records), new RowMarks(maxChunkRows));
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

/** What can't be removed now, the reaper removes; nobody waits for a database that is away. */
async function abandonUpload(ctx: Context, batchId: string, reason: unknown): Promise<void> {
  const removal = removeBatch(ctx, batchId).catch((error) => {
    ctx.log.warn({ err: error, batchId }, "upload left to the reaper");
  });
  if (!isDatabaseUnavailable(reason)) await removal;
}

async function openBatch(ctx: Context, upload: Upload, { header, mapping }: MatchedHeader): Promise<string> {
  const { options } = upload;
  const id = newBatchId(ctx.now());
  await ctx.db.insert(batches).values({
    id,
    userId: upload.userId,
    target: options.target,
    filename: (upload.filename || "upload.csv").replaceAll("\0", "\uFFFD").slice(0, MAX_FILENAME),
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

/** Undefined: as large as is good for speed. */
function chunkRowsOf(target: Target, { rows_per_second: rate }: UploadOptions): number | undefined {
  const ofTarget = target.maxChunkRows ?? ("handle" in target ? ROW_WISE_CHUNK_ROWS : undefined);
  const bounds = [ofTarget, rate].filter((bound) => bound !== undefined);
  return bounds.length > 0 ? Math.min(...bounds) : undefined;
}
