import type { OpenContext } from "../context.ts";
import { pausedQueues } from "../schema/workers.ts";
import { QUEUE_CHANNEL } from "./pause-queue.ts";

/** Also without a published change: no pause stays unseen for longer. */
const LOOK_EVERY_MS = 10_000;

/** Takes nothing from queues that are paused, from now on until disposed of. */
export async function followPauses(ctx: OpenContext): Promise<Disposable> {
  const look = async () => {
    const paused = await ctx.db.select({ queue: pausedQueues.queue }).from(pausedQueues);
    ctx.queue.pause(new Set(paused.map(({ queue }) => queue)));
  };
  await look();
  const lookAgain = oneAtATime(() =>
    look().catch((error) => ctx.log.warn({ err: error }, "could not look which queues are paused")),
  );
  const stopListening = ctx.listener.listen(QUEUE_CHANNEL, lookAgain);
  const timer = setInterval(lookAgain, LOOK_EVERY_MS).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      stopListening();
    },
  };
}

/** Whoever asks while it runs has it run once more: what it saw may be older. */
function oneAtATime(run: () => Promise<unknown>): () => void {
  let isRunning = false;
  let isAskedFor = false;
  const start = async () => {
    isAskedFor = true;
    if (isRunning) return;
    isRunning = true;
    while (isAskedFor) {
      isAskedFor = false;
      await run();
    }
    isRunning = false;
  };
  return () => void start();
}
