import type { Context } from "../context.ts";
import { DomainError, Permanent } from "../errors.ts";
import { Later } from "../platform/queue/later.ts";
import { createBackup } from "./create-backup.ts";
import { hasScheduledBackup } from "./queries.ts";
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

/** Workers of versions before 0.7.0 enqueue jobs without a tick up to this long after it. */
const UNKNOWN_TICK_MS = 60_000;

/**
 * Requests the backup that is due. It is skipped while another one is queued or running, and if the tick has had its backup:
 * its job was delivered again, or a worker of an older version has enqueued a second one.
 */
export async function requestDueBackup(ctx: Context, tickAt?: string): Promise<object | undefined> {
  const since = tickAt === undefined ? new Date(ctx.now().getTime() - UNKNOWN_TICK_MS) : new Date(tickAt);
  if (await hasScheduledBackup(ctx, since)) {
    ctx.log.info({ since }, "no scheduled backup: the tick has had one");
    return undefined;
  }
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
