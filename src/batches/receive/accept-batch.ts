import { and, asc, eq, gt, inArray, ne, sql } from "drizzle-orm";
import { lockUser } from "../../accounts/quotas.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { batches } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { enqueueReceived } from "../enqueue/enqueue-work.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { transitions } from "../state.ts";
import { NO_SUMS } from "../sums.ts";
import type { ChunkPlan, RowMarks } from "./plan-chunks.ts";
import { requireAcceptable } from "./quota.ts";
import { uploadRemoved } from "./store-rows.ts";

/** The facts about a file that are known after the whole file was read. */
export interface FileSummary {
  readonly marks: RowMarks;
  readonly fileBytes: number;
  readonly contentHash: Buffer;
  readonly fingerprint: Buffer;
  readonly dialect?: Record<string, string | number | boolean>;
  readonly warnings?: Record<string, number>;
}

export interface AcceptOptions {
  /** Whether a recent batch with the same fingerprint may replace this one. */
  readonly mayReplay: boolean;
}

/**
 * Queues a received batch: its new state, its chunks and their jobs commit together.
 * @returns the batch, or the earlier one that replaces it; then nothing was changed
 * @throws DomainError `conflict` if the reconciler has removed the upload; QuotaExceeded
 */
export function acceptBatch(
  ctx: Context,
  { id, userId }: { id: string; userId: number },
  { marks, ...facts }: FileSummary,
  { mayReplay }: AcceptOptions,
): Promise<StoredBatch> {
  const plan = marks.plan();
  const { from, to } = transitions.accept;
  return inTransaction(ctx, async (tx) => {
    const earlier = mayReplay ? await findEarlierBatch(tx, userId, id, facts.fingerprint) : null;
    if (earlier !== null) return getBatch(tx, userId, earlier);
    const now = ctx.now();
    const counts = { totalRows: marks.count, chunksLeft: plan.length };
    const [batch] = await tx.db
      .update(batches)
      .set({ ...facts, ...counts, state: to, queuedAt: now, pacedUntil: now })
      .where(and(eq(batches.id, id), inArray(batches.state, [...from])))
      .returning();
    if (!batch) throw uploadRemoved();
    const column = (key: keyof ChunkPlan) => sql.param(plan.map((chunk) => chunk[key]));
    await tx.db.execute(sql`
      INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, bytes)
      SELECT ${id}, * FROM unnest(${column("firstRow")}::int[], ${column("lastRow")}::int[], ${column("rowCount")}::int[],
        ${column("bytes")}::bigint[])`);
    await enqueueReceived(tx, batch, plan);
    await batchChanged(tx, id);
    // Last, because the user should not be locked for long. A search for an earlier batch has locked the user already.
    if (!mayReplay) await lockUser(tx, userId);
    await requireAcceptable(tx, userId, marks.count);
    // A file without rows has ended already.
    return plan.length === 0 ? getBatch(tx, userId, id) : { ...batch, ...NO_SUMS };
  });
}

const REPLAY_MS = 86_400_000;
const REPLAYED_STATES = ["queued", "processing", "paused", "completed", "completed_with_errors"] as const;

/** Locks the user, so that two uploads of the same file that end at the same time find each other. */
async function findEarlierBatch(
  tx: Tx,
  userId: number,
  id: string,
  fingerprint: Buffer,
): Promise<string | null> {
  await lockUser(tx, userId);
  const [earlier] = await tx.db
    .select({ id: batches.id })
    .from(batches)
    .where(
      and(
        eq(batches.userId, userId),
        eq(batches.fingerprint, fingerprint),
        ne(batches.id, id),
        eq(batches.isDryRun, false),
        inArray(batches.state, [...REPLAYED_STATES]),
        gt(batches.queuedAt, new Date(tx.now().getTime() - REPLAY_MS)),
      ),
    )
    .orderBy(asc(batches.id))
    .limit(1);
  return earlier?.id ?? null;
}
