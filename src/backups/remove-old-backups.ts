import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { and, desc, eq, inArray, isNotNull, isNull, lt, notExists } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { removeFiles, removeFilesWhere } from "../files/remove-files.ts";
import { retentionLimit } from "../retention.ts";
import { backups } from "../schema/backups.ts";
import { files } from "../schema/files.ts";
import { readName } from "./destination.ts";

/** More than the largest BACKUP_MAX_SECONDS. */
const LONGEST_BACKUP_MS = 86_400_000;

/** Keeps the newest BACKUP_KEEP backups in the folder of this host, and as many in the database. */
export async function removeOldBackups(ctx: Context): Promise<void> {
  await removeOldFiles(ctx);
  await removeOldStored(ctx);
}

async function removeOldFiles(ctx: Context): Promise<void> {
  const { backupFolder, backupKeep } = ctx.config;
  const found = await listFolder(backupFolder);
  const complete = found.filter(({ isPartial }) => !isPartial).sort((a, b) => (a.name < b.name ? 1 : -1));
  for (const { id, name } of complete.slice(backupKeep)) {
    await rm(join(backupFolder, name), { force: true });
    await ctx.db.delete(backups).where(and(eq(backups.id, id), isNotNull(backups.finishedAt)));
    ctx.log.info({ backupId: id, name }, "removed an old backup");
  }
}

async function removeOldStored(ctx: Context): Promise<void> {
  const old = await ctx.db
    .select({ id: backups.id, fileId: backups.fileId })
    .from(backups)
    .where(and(eq(backups.state, "completed"), isNotNull(backups.fileId)))
    .orderBy(desc(backups.id))
    .offset(ctx.config.backupKeep);
  for (const { id, fileId } of old) {
    await inTransaction(ctx, async (tx) => {
      await tx.db.delete(backups).where(eq(backups.id, id));
      await removeFiles(tx, [fileId ?? ""]);
    });
    ctx.log.info({ backupId: id, fileId }, "removed an old backup");
  }
}

/** Removes what ended backups of this database left behind: their process was killed. The caller holds the lock. */
export async function removePartialFiles(ctx: Context, folder: string): Promise<void> {
  const partial = (await listFolder(folder)).filter(({ isPartial }) => isPartial);
  const ids = partial.map(({ id }) => id);
  const ended = await ctx.db
    .select({ id: backups.id })
    .from(backups)
    .where(and(inArray(backups.id, ids), isNotNull(backups.finishedAt)));
  for (const { id, name } of partial) {
    if (ended.some((backup) => backup.id === id)) await rm(join(folder, name), { force: true });
  }
}

/**
 * Removes the records of failed backups after RETENTION_DAYS, and of backups whose stored file is gone. Also removes the
 * stored files of processes that were killed before they recorded them.
 */
export async function removeFailedBackups(ctx: Context): Promise<number> {
  const isOld = and(eq(backups.state, "failed"), lt(backups.finishedAt, retentionLimit(ctx)));
  const isGone = and(eq(backups.state, "completed"), isNull(backups.path), isNull(backups.fileId));
  const failed = await ctx.db.delete(backups).where(isOld).returning({ id: backups.id });
  const gone = await ctx.db.delete(backups).where(isGone).returning({ id: backups.id });
  const recorded = ctx.db.select({ id: backups.id }).from(backups).where(eq(backups.fileId, files.id));
  const isOrphan = and(
    eq(files.origin, "backup"),
    isNull(files.receivingAt),
    lt(files.createdAt, new Date(ctx.now().getTime() - LONGEST_BACKUP_MS)),
    notExists(recorded),
  );
  const orphans = await removeFilesWhere(ctx, isOrphan);
  return failed.length + gone.length + orphans.length;
}

/** Lists the files of backups in a folder that may not exist. */
async function listFolder(folder: string): Promise<{ id: string; name: string; isPartial: boolean }[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.flatMap((name) => {
    const read = readName(name);
    return read ? [{ ...read, name }] : [];
  });
}
