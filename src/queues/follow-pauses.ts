import type { OpenContext } from "../open-context.ts";
import { withoutOverlap } from "../platform/process/without-overlap.ts";
import { pausedQueues } from "../schema/workers.ts";
import { QUEUE_CHANNEL } from "./pause-queue.ts";

/** Polls as well, in case a published change is lost. */
const POLL_MS = 10_000;

/** Keeps this worker from taking jobs of paused queues until disposed of. */
export async function followPauses(ctx: OpenContext): Promise<Disposable> {
  const applyPauses = async () => {
    const paused = await ctx.db.select({ queue: pausedQueues.queue }).from(pausedQueues);
    ctx.queue.pause(new Set(paused.map(({ queue }) => queue)));
  };
  await applyPauses();
  const refresh = withoutOverlap(() =>
    applyPauses().catch((error) => ctx.log.warn({ err: error }, "could not read which queues are paused")),
  );
  const stopListening = ctx.listener.listen(QUEUE_CHANNEL, refresh);
  const timer = setInterval(refresh, POLL_MS).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      stopListening();
    },
  };
}
