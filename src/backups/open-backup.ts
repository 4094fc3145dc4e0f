import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { readChunks } from "../files/read-file.ts";
import { files } from "../schema/files.ts";
import type { Backup } from "./records.ts";

export interface OpenBackup {
  readonly bytes: number;
  readonly sha256: Buffer;
  readonly createdAt: Date;
  /** Yields the bytes from `start` to `end` (exclusive). */
  readonly read: (start: number, end: number) => AsyncIterable<Buffer>;
}

/** @throws DomainError `conflict` if the backup is not complete; `not_found` if this host does not have its file */
export async function openBackup(ctx: Context, backup: Backup): Promise<OpenBackup> {
  const { state, bytes, sha256, finishedAt, path, fileId } = backup;
  if (state !== "completed" || bytes === null || sha256 === null || finishedAt === null)
    throw new DomainError("conflict", `The backup is ${state}. Only a completed backup can be downloaded.`);
  const facts = { bytes, sha256, createdAt: finishedAt };
  if (path !== null) {
    await requireFile(backup, path);
    return { ...facts, read: (start, end) => createReadStream(path, { start, end: end - 1 }) };
  }
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(eq(files.id, fileId ?? ""));
  if (!file) throw new DomainError("not_found", "The file of the backup was removed.");
  return { ...facts, read: (start, end) => readChunks(ctx, file, start, end) };
}

async function requireFile({ host, bytes }: Backup, path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() && found.size === bytes) return;
  const place = `The backup is ${path} on the host ${host}. This API runs on ${hostname()}, which does not have that file.`;
  throw new DomainError(
    "not_found",
    `${place} Copy it from there, or set BACKUP_TO=files to download later backups.`,
  );
}
