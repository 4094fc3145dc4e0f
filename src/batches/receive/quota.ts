/** The quotas of uploads. A refused upload leaves nothing behind. */
import { type QuotaName, requireRoom, requireWithin } from "../../accounts/quotas.ts";
import type { Context, Tx } from "../../context.ts";

const STORED = ["batch_rows", "batch_bytes"] as const satisfies readonly QuotaName[];

/**
 * Checks that there is room for one more batch.
 * @param declaredBytes the minimum size of the file, as far as it is known
 * @throws QuotaExceeded
 */
export function requireRoomForBatch(ctx: Context, userId: number, declaredBytes: number): Promise<void> {
  const bytes = Math.max(1, declaredBytes);
  return requireRoom(ctx, userId, { batches: 1, batch_rows: 1, batch_bytes: bytes });
}

/** Checks the rows and bytes that are stored so far, of all uploads of the user together. @throws QuotaExceeded */
export function requireStoredWithin(ctx: Context, userId: number): Promise<void> {
  return requireWithin(ctx, userId, STORED);
}

/**
 * Checks a batch whose rows are all stored, in the transaction that accepts it and has locked the user. Every row may
 * become a record.
 * @throws QuotaExceeded
 */
export async function requireAcceptable(tx: Tx, userId: number, rows: number): Promise<void> {
  await requireRoom(tx, userId, { records: rows });
  await requireStoredWithin(tx, userId);
}
