import type { Context } from "../context.ts";
import { DomainError, Permanent } from "../errors.ts";
import type { Delivery } from "../platform/queue/delivery.ts";
import { Later } from "../platform/queue/later.ts";
import { createBackup } from "./create-backup.ts";

/** How long a requested backup waits for one that a lost process was writing. */
const RETRY_SECONDS = 30;

/**
 * Runs the job of a backup. The failure of a backup is data: the job does not fail with it.
 * @param requestedId absent: the schedule has created the job
 */
export async function runBackup(
  ctx: Context,
  requestedId: string | undefined,
  { id: jobId, signal }: Delivery,
): Promise<object | Later | undefined> {
  const id = requestedId ?? jobId;
  try {
    const backup = await createBackup(ctx, { id, userId: null, signal, isResumed: true });
    ctx.log.info({ backupId: id, bytes: backup?.bytes }, "backup completed");
    return backup && { bytes: backup.bytes };
  } catch (error) {
    if (error instanceof Permanent) {
      ctx.log.error({ err: error, backupId: id }, "backup failed");
      return { failed: error.message };
    }
    if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
    ctx.log.warn({ backupId: id }, "another backup is running");
    return requestedId === undefined ? undefined : new Later(RETRY_SECONDS, { backupId: id });
  }
}
