import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import packageJson from "../../package.json" with { type: "json" };
import { type Context, inTransaction } from "../context.ts";
import { DomainError, Permanent } from "../errors.ts";
import { describeError } from "../platform/log.ts";
import { excludedTables } from "./catalogue.ts";
import { type Destination, nameOfBackup } from "./destination.ts";
import type { Manifest } from "./format.ts";
import { PartialFile } from "./partial-file.ts";
import { owningAdmin } from "./queries.ts";
import { readBackup } from "./read-lines.ts";
import {
  type Backup,
  completeBackup,
  failBackup,
  type Origin,
  STOPPED,
  startBackup,
  type Written,
} from "./records.ts";
import { removeOldBackups, removePartialFiles } from "./remove-old-backups.ts";
import { Snapshot } from "./snapshot.ts";
import { openStoredBackup } from "./stored-backup.ts";
import { type OnTable, writeLines } from "./write-lines.ts";

export interface BackupRun extends Origin {
  /** Instead of the place that BACKUP_TO sets. Old backups are kept there. */
  readonly folder?: string | undefined;
  readonly signal: AbortSignal;
  readonly onTable?: OnTable;
  /** Whether the same backup starts again after `signal` has aborted. If not, it fails. */
  readonly isResumed?: boolean;
}

/**
 * Writes all tables as they are at one moment, verifies the result, and removes old backups.
 * @returns undefined if the backup has ended before
 * @throws DomainError `conflict` while another backup runs; Permanent `backup_failed`
 */
export async function createBackup(ctx: Context, run: BackupRun): Promise<Backup | undefined> {
  requireBackups(ctx);
  const timeout = AbortSignal.timeout(ctx.config.backupMaxSeconds * 1000);
  const signal = AbortSignal.any([run.signal, timeout]);
  await using snapshot = await Snapshot.open(ctx.config, signal, ctx.log);
  const backup = await startBackup(ctx, run);
  if (!backup) return undefined;
  try {
    const completed = await writeVerified(ctx, snapshot, backup, { ...run, signal });
    if (run.folder === undefined) await removeOldBackups(ctx).catch(warnOfOldBackups(ctx));
    return completed;
  } catch (error) {
    if (run.signal.aborted && run.isResumed) throw error;
    const message = reasonOf(ctx, error, { isStopped: run.signal.aborted, isLate: timeout.aborted });
    await inTransaction(ctx, (tx) => failBackup(tx, backup, message));
    throw new Permanent("backup_failed", message, { cause: error });
  }
}

/** @throws DomainError `invalid_input` */
export function requireBackups({ config }: Pick<Context, "config">): void {
  if (config.databaseBackend === "postgres") return;
  throw new DomainError(
    "invalid_input",
    `Backups need one PostgreSQL server (DATABASE_BACKEND=postgres). Use the tools of ${config.databaseBackend} instead.`,
  );
}

/** The new backup is complete, whatever happens to the old ones. */
function warnOfOldBackups({ log }: Context) {
  return (error: unknown) => log.warn({ err: error }, "could not remove old backups");
}

function reasonOf(
  { config }: Context,
  error: unknown,
  { isStopped, isLate }: { readonly isStopped: boolean; readonly isLate: boolean },
): string {
  if (isStopped) return STOPPED;
  if (!isLate) return describeError(error).message;
  return (
    `The backup took longer than the limit of ${config.backupMaxSeconds} s (BACKUP_MAX_SECONDS). ` +
    "For a large database, use pg_dump."
  );
}

async function writeVerified(
  ctx: Context,
  snapshot: Snapshot,
  backup: Backup,
  { folder, signal, onTable = () => {} }: BackupRun,
): Promise<Backup> {
  const { id } = backup;
  await using destination = await openDestination(ctx, backup, folder);
  const facts = { version: packageJson.version, id, created_at: ctx.now().toISOString() };
  const lines = writeLines(snapshot, excludedTables(ctx.config.backupRequestLog), facts, onTable);
  const { bytes, sha256 } = await compressTo(destination, lines, signal);
  const { manifest } = await readBackup(hashed(destination.read(), sha256, signal));
  const written: Omit<Written, "path" | "fileId"> = { bytes, sha256, rows: rowsOf(manifest) };
  return completeBackup(ctx, backup, { ...(await destination.keep()), ...written });
}

/** @param folder absent: the place that BACKUP_TO sets */
async function openDestination(
  ctx: Context,
  backup: Backup,
  folder: string | undefined,
): Promise<Destination> {
  const { backupTo, backupFolder } = ctx.config;
  const name = nameOfBackup(backup.id, backup.createdAt);
  if (folder === undefined && backupTo === "files")
    return openStoredBackup(ctx, backup.userId ?? (await owningAdmin(ctx)), name);
  const chosen = folder ?? backupFolder;
  await removePartialFiles(ctx, chosen);
  return PartialFile.open(chosen, name);
}

const CHUNK_BYTES = 2 ** 18;

async function compressTo(
  destination: Destination,
  lines: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<{ bytes: number; sha256: Buffer }> {
  const digest = createHash("sha256");
  let bytes = 0;
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES });
  const write = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      await destination.append(chunk);
      digest.update(chunk);
      bytes += chunk.length;
    }
  };
  await pipeline(lines, gzip, write, { signal });
  return { bytes, sha256: digest.digest() };
}

/** @throws Error at the end if the bytes are not those that were written */
async function* hashed(
  source: AsyncIterable<Buffer>,
  expected: Buffer,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const digest = createHash("sha256");
  for await (const chunk of source) {
    signal.throwIfAborted();
    digest.update(chunk);
    yield chunk;
  }
  if (!digest.digest().equals(expected))
    throw new Error("The backup that was read differs from the one that was written. Check the disk.");
}

function rowsOf({ tables }: Manifest): Record<string, number> {
  return Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
}
