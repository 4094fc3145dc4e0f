import { type Context, inTransaction, notify } from "../context.ts";
import type { QueueName } from "../jobs.ts";
import { pausedQueues } from "../schema/workers.ts";
import { QUEUE_CHANNEL } from "../workers/queue-channel.ts";

/**
 * Within about a second no worker takes anything from the queue any more; jobs in hand end, upkeep goes on. One that is
 * paused already stays as it is. @param actorId null: whoever runs commands
 */
export function pauseQueue(ctx: Context, actorId: number | null, queue: QueueName): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const paused = await tx.db
      .insert(pausedQueues)
      .values({ queue, pausedBy: actorId })
      .onConflictDoNothing()
      .returning({ queue: pausedQueues.queue });
    await notify(
      tx,
      QUEUE_CHANNEL,
      paused.map((row) => row.queue),
    );
  });
}
