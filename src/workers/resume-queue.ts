import { eq } from "drizzle-orm";
import { type Context, inTransaction, notify } from "../context.ts";
import type { QueueName } from "../jobs.ts";
import { pausedQueues } from "../schema/workers.ts";
import { QUEUE_CHANNEL } from "./queue-channel.ts";

/** Workers take from the queue again at once. One that is not paused stays as it is. */
export function resumeQueue(ctx: Context, queue: QueueName): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const resumed = await tx.db
      .delete(pausedQueues)
      .where(eq(pausedQueues.queue, queue))
      .returning({ queue: pausedQueues.queue });
    await notify(
      tx,
      QUEUE_CHANNEL,
      resumed.map((row) => row.queue),
    );
  });
}
