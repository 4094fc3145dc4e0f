import { and, eq, isNull } from "drizzle-orm";
import { recordBulk } from "../audit/record-bulk.ts";
import { cancelBatch } from "../batches/control/cancel-batch.ts";
import { type Context, inTransaction } from "../context.ts";
import { requireExpected } from "../errors.ts";
import type { QueueName } from "../jobs.ts";
import { batches } from "../schema/batches.ts";
import {
  type BulkChange,
  type Changed,
  changePages,
  countChangeable,
} from "../tasks/control/change-tasks.ts";

const REASON = "The queue was purged.";

/**
 * Cancels everything in a queue that has not started: pending tasks and, in `bulk_processing`, queued batches. Removes
 * their jobs as well.
 * @param expect the number of matches from an earlier call; absent: counts and changes nothing
 * @param seconds the time limit, after which it stops with `changed` below `matched`
 * @throws DomainError `conflict` if the number of matches is not `expect`
 */
export async function purgeQueue(
  ctx: Context,
  queue: QueueName,
  expect?: number,
  seconds = Number.POSITIVE_INFINITY,
): Promise<Changed> {
  const change: BulkChange = { action: "cancel", filter: { queue, statuses: ["pending"] }, reason: REASON };
  const { matched: tasks, newest } = await countChangeable(ctx, change);
  const waiting = queue === "bulk_processing" ? await listWaitingBatches(ctx) : [];
  const matched = tasks + waiting.length;
  if (expect === undefined) return { matched, changed: 0 };
  requireExpected(matched, expect);
  const entry = {
    action: "queue.purged",
    subject: { type: "queue", id: queue },
    details: { tasks, batches: waiting.length },
  } as const;
  const run = async () => {
    let changed = await changePages(ctx, change, newest, seconds);
    for (const batch of waiting) changed += await cancelWaiting(ctx, batch);
    return changed;
  };
  return { matched, changed: await recordBulk(ctx, entry, matched, run) };
}

interface WaitingBatch {
  readonly id: string;
  readonly userId: number;
}

const isWaiting = and(eq(batches.state, "queued"), isNull(batches.startedAt), isNull(batches.correctionOf));

function listWaitingBatches(ctx: Context): Promise<WaitingBatch[]> {
  return ctx.db.select({ id: batches.id, userId: batches.userId }).from(batches).where(isWaiting);
}

/** @returns the number of cancelled batches: 0 if a worker has started it meanwhile */
function cancelWaiting(ctx: Context, { id, userId }: WaitingBatch): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const found = await tx.db
      .select({ id: batches.id })
      .from(batches)
      .where(and(eq(batches.id, id), isWaiting))
      .for("update");
    if (found.length > 0) await cancelBatch(tx, userId, id, REASON);
    return found.length;
  });
}
