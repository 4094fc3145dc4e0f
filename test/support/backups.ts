/** Backups: made without a worker, read, restored and changed. */
import { createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { excludedTables } from "../../src/backups/catalogue.ts";
import { type BackupRun, createBackup } from "../../src/backups/create-backup.ts";
import { readBackup } from "../../src/backups/read-lines.ts";
import type { Backup } from "../../src/backups/records.ts";
import { restoreBackup } from "../../src/backups/restore-backup.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Context } from "../../src/context.ts";
import { uuidV7 } from "../../src/platform/ids.ts";
import { createLog } from "../../src/platform/log.ts";
import { columnsOf, contentsOf } from "./databases.ts";

/** A folder that is removed at the end of the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rowmill-backups-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes a backup in a folder of the test. @returns its path */
export async function backUp(ctx: Context, run: Partial<BackupRun> = {}): Promise<Backup & { path: string }> {
  const signal = new AbortController().signal;
  const backup = await createBackup(ctx, {
    id: uuidV7(new Date()),
    userId: null,
    folder: newFolder(),
    signal,
    ...run,
  });
  if (!backup?.path) throw new Error("The backup is not in a folder.");
  return { ...backup, path: backup.path };
}

export function read(path: string) {
  return readBackup(createReadStream(path));
}

export const silent = createLog({ logLevel: "silent" }, "test");

export const configOf = (databaseUrl: string) =>
  loadConfig({ DATABASE_URL: databaseUrl, JWT_SECRET: "x".repeat(32) });

export function restore(databaseUrl: string, path: string) {
  return restoreBackup(configOf(databaseUrl), silent, path, () => {});
}

/** The lines of a backup. */
export function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString().trimEnd().split("\n");
}

export const zipped = (lines: readonly string[]) => gzipSync(`${lines.join("\n")}\n`);

/** Every row of the tables that a backup contains, as text, without the entry that the restore adds. */
export async function backedUpContents(url: string): Promise<Record<string, string[]>> {
  const excluded = excludedTables(false);
  const columns = Object.entries(await columnsOf(url, "rowmill")).filter(
    ([table]) => !excluded.includes(table) && !table.startsWith("request_log_"),
  );
  const { audit_log = [], ...others } = await contentsOf(url, "rowmill", Object.fromEntries(columns));
  return { ...others, audit_log: audit_log.filter((entry) => !entry.includes("backup.restored")) };
}
