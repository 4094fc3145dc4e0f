import type { Context } from "../context.ts";
import { DomainError, Permanent } from "../errors.ts";
import { Later } from "../platform/queue/later.ts";
import { createBackup } from "./create-backup.ts";
import { requestBackup } from "./request-backup.ts";

/** How long a requested backup waits for one that a lost process was writing. */
const RETRY_SECONDS = 30;

/** Runs the job of a requested backup. The failure of a backup is data: the job does not fail with it. */
export async function runBackup(
  ctx: Context,
  id: string,
  signal: AbortSignal,
): Promise<object | Later | undefined> {
  try {
    const backup = await createBackup(ctx, { id, userId: null, signal, isResumed: true });
    ctx.log.info({ backupId: id, bytes: backup?.bytes }, "backup completed");
    return backup && { bytes: backup.bytes };
  } catch (error) {
    if (error instanceof Permanent) {
      ctx.log.error({ err: error, backupId: id }, "backup failed");
      return { failed: error.message };
    }
    if (!isConflict(error)) throw error;
    ctx.log.warn({ backupId: id }, "another backup is running; waiting");
    return new Later(RETRY_SECONDS, { backupId: id });
  }
}

/** Requests the backup that is due. It is skipped while another one is queued or running. */
export async function requestDueBackup(ctx: Context): Promise<object | undefined> {
  try {
    const { id } = await requestBackup(ctx, null);
    return { backupId: id };
  } catch (error) {
    if (!isConflict(error)) throw error;
    ctx.log.warn("no scheduled backup: another one is queued or running");
    return undefined;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof DomainError && error.code === "conflict";
}
