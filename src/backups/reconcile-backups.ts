import { isNull, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { jobs } from "../jobs.ts";
import { backups } from "../schema/backups.ts";
import { type Backup, failBackup, INTERRUPTED } from "./records.ts";
import { BACKUP_LOCK } from "./snapshot.ts";

/** Ends backups whose process was lost, and creates lost jobs again. @returns the number of changed backups */
export async function reconcileBackups(ctx: Context): Promise<number> {
  const open = await ctx.db.select().from(backups).where(isNull(backups.finishedAt));
  let repaired = 0;
  for (const backup of open) repaired += await reconcileBackup(ctx, backup);
  return repaired;
}

async function reconcileBackup(ctx: Context, backup: Backup): Promise<number> {
  const { id, state } = backup;
  if ((await ctx.queue.live(ctx.db, jobs.runBackup, [id])).size > 0) return 0;
  // A running backup has the lock before it has its state.
  if (state === "running" && (await isLocked(ctx))) return 0;
  const isGivenUp = (await ctx.queue.givenUp(ctx.db, jobs.runBackup, [id])).size > 0;
  ctx.log.warn({ backupId: id, isGivenUp }, "backup without a live job");
  await inTransaction(ctx, async (tx) => {
    if (state === "running" || isGivenUp) return failBackup(tx, backup, INTERRUPTED);
    await tx.queue.remove(tx.db, jobs.runBackup, [id]);
    await tx.queue.add(tx.db, jobs.runBackup, [{ id, payload: { backupId: id } }]);
  });
  return 1;
}

async function isLocked({ db }: Context): Promise<boolean> {
  const { rows } = await db.execute(sql`
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid = 0
      AND objid = ${BACKUP_LOCK} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  return rows.length > 0;
}
