/** What the files of one user may have together: uploads, results of tasks and pictures. */
import { eq, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { users } from "../schema/accounts.ts";

export class QuotaExceeded extends DomainError {
  constructor(quotaBytes: number, usedBytes: number) {
    const left = Math.max(0, quotaBytes - usedBytes);
    super(
      "too_large",
      `FILES_QUOTA_BYTES lets your files have ${quotaBytes} bytes together: ${usedBytes} are used, and ${left} are ` +
        "left, which is too little for this one. Delete some that you need no more.",
    );
    this.name = "QuotaExceeded";
  }
}

/**
 * For a file that is not whole yet. Of two that are stored at once only the later one counts the other: they never
 * refuse each other.
 * @param bytes how many it has, or will have
 * @param id its own, once it has one
 * @returns how many it may have
 * @throws QuotaExceeded
 */
export async function requireRoom(ctx: Context, userId: number, bytes: number, id?: string): Promise<number> {
  const quota = ctx.config.filesQuotaBytes;
  if (quota === Number.POSITIVE_INFINITY) return quota;
  const used = await usedBytes(ctx, userId, id);
  if (used + bytes > quota) throw new QuotaExceeded(quota, used);
  return quota - used;
}

/**
 * Call it in the transaction that makes the file whole: until that ends, no other one of this user's can.
 * @throws QuotaExceeded
 */
export async function claimQuota(tx: Tx, userId: number, bytes: number): Promise<void> {
  if (tx.config.filesQuotaBytes === Number.POSITIVE_INFINITY) return;
  // Not a full lock, which would wait for everything that refers to the user.
  await tx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update");
  await requireRoom(tx, userId, bytes);
}

/** @param before counts those, too, that are being received and have an earlier id */
async function usedBytes(ctx: Context, userId: number, before: string | undefined): Promise<number> {
  const isEarlier = before === undefined ? sql`false` : sql`id < ${before}`;
  const { rows } = await ctx.db.execute<{ used: number }>(sql`
    SELECT coalesce(sum(bytes), 0)::float8 AS used FROM rowmill.files
    WHERE user_id = ${userId} AND (receiving_at IS NULL OR ${isEarlier})`);
  return rows[0]?.used ?? 0;
}
