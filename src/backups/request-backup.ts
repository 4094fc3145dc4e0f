import { type Context, inTransaction, requireActor } from "../context.ts";
import { jobs } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { requireBackups } from "./create-backup.ts";
import { type Backup, insertBackup } from "./records.ts";

/** Queues a backup. @throws DomainError `conflict` while another backup is queued or running */
export function requestBackup(ctx: Context): Promise<Backup> {
  requireBackups(ctx);
  const { id: userId } = requireActor(ctx);
  return inTransaction(ctx, async (tx) => {
    const id = uuidV7(ctx.now());
    const backup = await insertBackup(tx, { id, userId }, "queued");
    await tx.queue.add(tx.db, jobs.runBackup, [{ id, payload: { backupId: id }, group: String(userId) }]);
    return backup;
  });
}
