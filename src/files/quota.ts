/** The quota of all files of one user: uploads, files that tasks created, and pictures. */
import { sql } from "drizzle-orm";
import { limitOf, lockUser, QuotaExceeded, readUsage, requireRoom } from "../accounts/quotas.ts";
import { type Context, inTransaction, type Tx } from "../context.ts";

/** Files of unknown size reserve as much again as they have, up to this or a part of the quota. */
const MAX_STEP_BYTES = 8 * 2 ** 20;
const QUOTA_PARTS = 64;

/**
 * Checks the quota for new files, in the transaction that stores them or reserves their size.
 * @returns the bytes that are left
 * @throws QuotaExceeded
 */
export async function claimQuota(tx: Tx, userId: number, sizes: readonly number[]): Promise<number> {
  await requireRoom(tx, userId, { files: sizes.length });
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return await claimBytes(tx, userId, bytes);
}

/**
 * Reserves `bytes` for a file that is being received, together with what it has reserved before.
 * @param isSizeKnown false: also reserves a step ahead
 * @returns the size that the file can reach before the next reservation
 * @throws QuotaExceeded
 */
export function reserveQuota(
  ctx: Context,
  { userId, id }: { userId: number; id: string },
  bytes: number,
  isSizeKnown: boolean,
): Promise<number> {
  const quota = limitOf(ctx, "file_bytes");
  if (quota === Number.POSITIVE_INFINITY) return Promise.resolve(quota);
  return inTransaction(ctx, async (tx) => {
    const left = await claimBytes(tx, userId, bytes, id);
    const step = isSizeKnown ? 0 : Math.min(MAX_STEP_BYTES, Math.ceil(quota / QUOTA_PARTS), bytes);
    const reserved = bytes + Math.min(step, left);
    await tx.db.execute(
      sql`UPDATE rowmill.files SET bytes = ${reserved} WHERE id = ${id} AND receiving_at IS NOT NULL`,
    );
    return reserved;
  });
}

/** @param id the file whose earlier reservation `bytes` includes @returns the bytes that are left */
async function claimBytes(tx: Tx, userId: number, bytes: number, id?: string): Promise<number> {
  const quota = limitOf(tx, "file_bytes");
  if (quota === Number.POSITIVE_INFINITY) return quota;
  await lockUser(tx, userId);
  const { file_bytes: all = 0 } = await readUsage(tx, userId, ["file_bytes"]);
  const used = all - (id === undefined ? 0 : await reservedBytes(tx, id));
  const left = quota - used;
  if (bytes > left) {
    throw new QuotaExceeded(
      "too_large",
      `The file does not fit into your quota of ${quota} bytes (FILES_QUOTA_BYTES): ${used} are used and ` +
        `${Math.max(0, left)} are left. Delete files that you no longer need.`,
    );
  }
  return left - bytes;
}

async function reservedBytes({ db }: Tx, id: string): Promise<number> {
  const { rows } = await db.execute<{ bytes: number }>(
    sql`SELECT bytes::float8 AS bytes FROM rowmill.files WHERE id = ${id}`,
  );
  return rows[0]?.bytes ?? 0;
}
