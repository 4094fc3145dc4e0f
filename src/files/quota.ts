/** The quota of all files of one user: uploads, files that tasks created, and pictures. */
import { eq, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { users } from "../schema/accounts.ts";

export class QuotaExceeded extends DomainError {
  constructor(quotaBytes: number, usedBytes: number) {
    const left = Math.max(0, quotaBytes - usedBytes);
    super(
      "too_large",
      `The file does not fit into your quota of ${quotaBytes} bytes (FILES_QUOTA_BYTES): ${usedBytes} are used and ` +
        `${left} are left. Delete files that you no longer need.`,
    );
    this.name = "QuotaExceeded";
  }
}

/**
 * Checks the quota for a file that is being received. Of two files that are received at the same time, only the later
 * one counts the other, so that they cannot refuse each other.
 * @param bytes the current or expected size
 * @param id the id of the file, if it has one
 * @returns the size in bytes that the file can have
 * @throws QuotaExceeded
 */
export async function requireQuota(
  ctx: Context,
  userId: number,
  bytes: number,
  id?: string,
): Promise<number> {
  const quota = ctx.config.filesQuotaBytes;
  if (quota === Number.POSITIVE_INFINITY) return quota;
  const used = await usedBytes(ctx, userId, id);
  if (used + bytes > quota) throw new QuotaExceeded(quota, used);
  return quota - used;
}

/**
 * Checks the quota in the transaction that finishes a file. Locks the user, so that files finish one after the other.
 * @throws QuotaExceeded
 */
export async function claimQuota(tx: Tx, userId: number, bytes: number): Promise<void> {
  if (tx.config.filesQuotaBytes === Number.POSITIVE_INFINITY) return;
  // FOR UPDATE would wait for every transaction that inserts a row of the user.
  await tx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update");
  await requireQuota(tx, userId, bytes);
}

/** @param before also counts files that are being received and have a smaller id */
async function usedBytes(ctx: Context, userId: number, before: string | undefined): Promise<number> {
  const isEarlier = before === undefined ? sql`false` : sql`id < ${before}`;
  const { rows } = await ctx.db.execute<{ used: number }>(sql`
    SELECT coalesce(sum(bytes), 0)::float8 AS used FROM rowmill.files
    WHERE user_id = ${userId} AND (receiving_at IS NULL OR ${isEarlier})`);
  return rows[0]?.used ?? 0;
}
