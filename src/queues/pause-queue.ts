import { eq } from "drizzle-orm";
import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction, publishChange } from "../context.ts";
import type { QueueName } from "../jobs.ts";
import { pausedQueues } from "../schema/workers.ts";

/**
 * Stops all workers from taking jobs of the queue within about a second. Running jobs finish, and upkeep continues.
 * Does nothing if the queue is already paused.
 * @param reason for other operators; empty: none
 */
export function pauseQueue(ctx: Context, queue: QueueName, reason = ""): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const paused = await tx.db
      .insert(pausedQueues)
      .values({ queue, pausedBy: ctx.actor?.id ?? null, reason: reason === "" ? null : reason })
      .onConflictDoNothing()
      .returning({ queue: pausedQueues.queue });
    await publishChange(
      tx,
      QUEUE_CHANNEL,
      paused.map((row) => row.queue),
    );
    if (paused.length === 0) return;
    const details = reason === "" ? {} : { reason };
    await recordAudit(tx, { action: "queue.paused", subject: { type: "queue", id: queue }, details });
  });
}

/** Lets workers take jobs of the queue again at once. Does nothing if the queue is not paused. */
export function resumeQueue(ctx: Context, queue: QueueName): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const resumed = await tx.db
      .delete(pausedQueues)
      .where(eq(pausedQueues.queue, queue))
      .returning({ queue: pausedQueues.queue });
    await publishChange(
      tx,
      QUEUE_CHANNEL,
      resumed.map((row) => row.queue),
    );
    if (resumed.length > 0)
      await recordAudit(tx, { action: "queue.resumed", subject: { type: "queue", id: queue } });
  });
}

/** The payload is the name of the queue that was paused or resumed. */
export const QUEUE_CHANNEL = "rowmill_queue";
