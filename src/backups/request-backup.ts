import { type Context, inTransaction } from "../context.ts";
import { jobs } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { requireBackups } from "./create-backup.ts";
import { type Backup, insertBackup, recordRequest } from "./records.ts";

/**
 * Queues a backup.
 * @param userId null: the schedule requests it
 * @throws DomainError `conflict` while another backup is queued or running
 */
export function requestBackup(ctx: Context, userId: number | null): Promise<Backup> {
  requireBackups(ctx);
  return inTransaction(ctx, async (tx) => {
    const id = uuidV7(ctx.now());
    const backup = await insertBackup(tx, { id, userId }, "queued");
    const group = userId === null ? {} : { group: String(userId) };
    await tx.queue.add(tx.db, jobs.runBackup, [{ id, payload: { backupId: id }, ...group }]);
    await recordRequest(tx, { id, userId });
    return backup;
  });
}
