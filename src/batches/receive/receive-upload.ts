/** Streams an uploaded file into `batch_rows` and queues the batch when the whole file is stored. */
import { createHash, type Hash } from "node:crypto";
import { lockOwners } from "../../accounts/lock-owners.ts";
import { requireUsable } from "../../accounts/queries.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { nameOf } from "../../files/names.ts";
import type { TableDialect } from "../../platform/csv/open-table.ts";
import { isDatabaseUnavailable } from "../../platform/postgres/database.ts";
import type { Role } from "../../schema/accounts.ts";
import { type BatchMode, batches } from "../../schema/batches.ts";
import { parseLocale } from "../../targets/define/parse-locale.ts";
import { requireUploadRight } from "../../targets/define/require-upload-right.ts";
import type { Locale } from "../../targets/definition/locale.ts";
import {
  type MatchedHeader,
  matchHeader,
  parseMapping,
  type RequestedMapping,
} from "../../targets/match-header.ts";
import { parseParams } from "../../targets/params.ts";
import { rememberMapping } from "../../targets/remember-mapping.ts";
import { requireRights, traitsOf } from "../../targets/rights.ts";
import { isRemote, isRowTarget, type Target } from "../../targets/target.ts";
import { newBatchId } from "../ids.ts";
import type { StoredBatch } from "../queries.ts";
import { prepareToday } from "../upkeep/prepare-today.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";
import { acceptBatch, type FileSummary } from "./accept-batch.ts";
import { longRowOf } from "./long-rows.ts";
import { numberMarks } from "./number-marks.ts";
import { type OpenedUpload, openUpload } from "./open-upload.ts";
import { MAX_CHUNK_ROWS, MAX_PLAIN_CHUNK_ROWS, MIN_CHUNK_ROWS, RowMarks } from "./plan-chunks.ts";
import { requireRoomForBatch, requireStoredWithin } from "./quota.ts";
import { type ChosenOptions, fingerprintOf, readOptionsOf, targetOf } from "./read-options.ts";
import { uploadedColumnsOf } from "./result-columns.ts";
import { storeRows } from "./store-rows.ts";
import type { UploadOptions } from "./upload-options.ts";

export interface Upload {
  readonly userId: number;
  readonly role: Role;
  readonly filename: string;
  readonly options: UploadOptions;
  readonly file: AsyncIterable<Uint8Array>;
  /** The minimum size of the file, as far as it is known before the file is read. */
  readonly declaredBytes: number;
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
 * @throws DomainError if the options or the file are invalid, or a limit is exceeded; QuotaExceeded
 */
export async function receiveUpload(ctx: Context, upload: Upload): Promise<Received> {
  const { options } = upload;
  const { maxRowDelayMs } = ctx.config;
  if ((options.row_delay_ms ?? 0) > maxRowDelayMs)
    throw invalidField("row_delay_ms", `must be at most ${maxRowDelayMs} (MAX_ROW_DELAY_MS).`);
  const { target, chosen } = await targetOf(ctx, upload.options, { id: upload.userId, role: upload.role });
  requireRights(ctx, target.name, traitsOf(target));
  const locale = parseLocale(target, options.locale);
  const params = parseParams(target, options.params);
  const mapping = options.mapping === undefined ? undefined : parseMapping(options.mapping);
  await requireRoomForBatch(ctx, upload.userId, upload.declaredBytes);
  const content = { hash: createHash("sha256"), bytes: 0 };
  const file = { ...upload, file: measured(upload.file, content) };
  using longRow = longRowOf(upload.userId);
  const limits = { longRow, ...rowLimitOf(ctx, target) };
  const reading = { ...readOptionsOf(options), marks: numberMarks(target, locale) };
  await using table = await openUpload(ctx, file, reading, limits);
  if (!table.header) {
    await table.finish();
    throw noRows(table, options.skip_lines);
  }
  const columns = uploadedColumnsOf(table.header.names);
  const matched = matchColumns(target, columns.names, mapping, table.dialect, chosen.mode);
  const isWorkbook = "format" in table.dialect;
  const batchId = await openBatch(ctx, upload, chosen, target, { ...matched, params, locale, isWorkbook });
  try {
    const source = {
      fileBytes: () => content.bytes,
      check: () => requireStoredWithin(ctx, upload.userId),
    };
    const empty = new RowMarks(chunkRowsOf(ctx, target, chosen));
    const marks = await storeRows(ctx, batchId, columns.rows(table.records), source, empty);
    if (isWorkbook && marks.count === 0) throw noRowsInSheet();
    await table.finish();
    const contentHash = content.hash.digest();
    const summary = {
      marks,
      fileBytes: content.bytes,
      contentHash,
      fingerprint: fingerprintOf(contentHash, chosen, target),
      dialect: { ...table.dialect },
      warnings: { ...table.warnings },
    };
    const stored = { batchId, target, chosen, summary, header: matched.header, mapping };
    const received = await inTransaction(ctx, (tx) => accept(tx, upload, stored));
    if (received.isReplay) await abandonUpload(ctx, batchId, null);
    return received;
  } catch (error) {
    await abandonUpload(ctx, batchId, error);
    throw error;
  }
}

interface StoredUpload {
  readonly batchId: string;
  readonly target: Target;
  readonly chosen: ChosenOptions;
  readonly summary: FileSummary;
  readonly header: readonly string[];
  readonly mapping: RequestedMapping | undefined;
}

/** Queues the batch of a file that is stored, unless an earlier one replaces it. */
async function accept(tx: Tx, upload: Upload, stored: StoredUpload): Promise<Received> {
  const { userId, options } = upload;
  const { batchId, target, chosen, summary, header, mapping } = stored;
  // An upload can take hours, and its user may have been disabled meanwhile.
  if (tx.actor) await requireUsable(tx, tx.actor.id);
  const writing = { userId, target: target.name, targetVersion: target.defined?.version ?? null };
  await requireUploadRight(tx, writing, { isUpload: true });
  const mayReplay = !options.force && !options.dry_run;
  const batch = await acceptBatch(tx, { id: batchId, userId }, summary, { mayReplay });
  const received = { batch, isReplay: batch.id !== batchId };
  if (mapping && !received.isReplay)
    await rememberMapping(tx, userId, target.name, header, { mapping, options: rememberedOf(chosen) });
  await upload.onAccepted?.(tx, received, summary.contentHash);
  return received;
}

/** The options that a user is likely to choose again for such a file. */
function rememberedOf({ mode, policy, max_errors }: ChosenOptions): Record<string, string> {
  return { mode, policy, ...(max_errors === undefined ? {} : { max_errors }) };
}

/** If the header was guessed to be missing, a refusal says so. */
function matchColumns(
  target: Target,
  names: readonly string[],
  mapping: RequestedMapping | undefined,
  { header, header_from }: TableDialect,
  mode: BatchMode,
): MatchedHeader {
  try {
    // An update writes only the columns that the file has.
    return matchHeader(target, names, mapping, mode === "update" ? { required: target.key ?? [] } : {});
  } catch (error) {
    if (!(error instanceof DomainError) || header || header_from === "given") throw error;
    const hint =
      "The first row looks like data, so the columns are numbered. Send their names in `columns`, or header=true.";
    throw new DomainError(error.code, `${error.message} ${hint}`, {
      fieldErrors: error.fieldErrors,
      cause: error,
    });
  }
}

/** A sheet that was only formatted, perhaps a million rows of it, or the wrong sheet. */
function noRowsInSheet(): DomainError {
  const message = "The sheet has no row with a value below its header. Choose another one with `sheet`.";
  return invalidField("file", message);
}

function noRows({ dialect }: OpenedUpload, skipLines = 0): DomainError {
  const what = "sheet" in dialect ? `The sheet "${dialect.sheet}"` : "The file";
  const message =
    skipLines === 0
      ? `${what} is empty. Send a table with or without a header.`
      : `${what} has no text after the ${skipLines} lines that skip_lines skips. Use a smaller number.`;
  return invalidField("file", message);
}

async function* measured(
  file: AsyncIterable<Uint8Array>,
  content: { readonly hash: Hash; bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const bytes of file) {
    content.hash.update(bytes);
    content.bytes += bytes.length;
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

interface OpenedBatch extends MatchedHeader {
  readonly params: Record<string, unknown> | null;
  readonly locale: Locale | null;
  readonly isWorkbook: boolean;
}

async function openBatch(
  ctx: Context,
  upload: Upload,
  options: ChosenOptions,
  target: Target,
  { header, mapping, params, locale, isWorkbook }: OpenedBatch,
): Promise<string> {
  await prepareToday(ctx);
  const id = newBatchId(ctx.now());
  const batch = {
    id,
    userId: upload.userId,
    target: target.name,
    ...(target.defined ? { targetVersion: target.defined.version, targetTraits: traitsOf(target) } : {}),
    locale,
    filename: nameOf(upload.filename || (isWorkbook ? "upload.xlsx" : "upload.csv")),
    header,
    mapping,
    params,
    mode: options.mode,
    policy: options.policy,
    isDryRun: options.dry_run,
    maxErrors: options.max_errors ?? null,
    rowsPerSecond: options.rows_per_second ?? null,
    rowDelayMs: options.row_delay_ms ?? ctx.config.rowDelayMs,
  };
  await inTransaction(ctx, async (tx) => {
    await requireRoomForBatch(tx, upload.userId, upload.declaredBytes);
    await lockOwners(tx, [upload.userId]);
    await tx.db.insert(batches).values(batch);
  });
  return id;
}

/** A target can allow fewer rows than UPLOAD_MAX_ROWS. */
function rowLimitOf({ config }: Context, { name, maxRows }: Target) {
  if (maxRows === undefined || maxRows >= config.uploadMaxRows) return {};
  return { uploadMaxRows: maxRows, maxRowsName: `the limit of the target ${name}` };
}

/** The limits that the settings, the target and the options set. */
function chunkRowsOf({ config }: Context, target: Target, options: ChosenOptions) {
  const { mode, rows_per_second: rate, row_delay_ms: delayMs = config.rowDelayMs } = options;
  const ofTarget = target.maxChunkRows ?? (isRowTarget(target) ? ROW_TARGET_CHUNK_ROWS : undefined);
  const limits = [ofTarget, rate].filter((limit) => limit !== undefined);
  // PostgreSQL writes plain rows in one statement.
  const plain = isRemote(target) || delayMs > 0 ? undefined : target.plain;
  const max = plain?.writesAnywhere(mode) ? MAX_PLAIN_CHUNK_ROWS : MAX_CHUNK_ROWS;
  return { min: plain ? config.minChunkRows : MIN_CHUNK_ROWS, max: Math.min(max, ...limits) };
}
