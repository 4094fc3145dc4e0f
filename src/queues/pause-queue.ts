import { eq } from "drizzle-orm";
import { type Context, inTransaction, publishChange } from "../context.ts";
import type { QueueName } from "../jobs.ts";
import { pausedQueues } from "../schema/workers.ts";

/**
 * Within about a second no worker takes anything from the queue any more; jobs in hand end, upkeep goes on. One that is
 * paused already stays as it is.
 */
export function pauseQueue(ctx: Context, queue: QueueName): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const paused = await tx.db
      .insert(pausedQueues)
      .values({ queue, pausedBy: ctx.actor?.id ?? null })
      .onConflictDoNothing()
      .returning({ queue: pausedQueues.queue });
    await publishChange(
      tx,
      QUEUE_CHANNEL,
      paused.map((row) => row.queue),
    );
  });
}

/** Workers take from the queue again at once. One that is not paused stays as it is. */
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
  });
}

/** Its payload is the name of a queue that was paused or resumed. */
export const QUEUE_CHANNEL = "rowmill_queue";
