import type { OpenContext } from "../../open-context.ts";
import { withoutOverlap } from "../../platform/process/without-overlap.ts";
import type { Lane } from "./lane.ts";
import { wakeNextLanes } from "./wake-waiting.ts";

const LOOK_MS = 1000;

/** Wakes waiting http tasks whose turn has come without an event, until disposed of. */
export function followLanes(ctx: OpenContext): Disposable {
  let isStopped = false;
  let after: Lane | null = null;
  const look = withoutOverlap(async () => {
    try {
      after = await wakeNextLanes(ctx, after);
    } catch (error) {
      // A look that is still running finds the connections closed.
      if (!isStopped) ctx.log.warn({ err: error }, "could not look for http tasks that wait");
    }
  });
  const timer = setInterval(look, LOOK_MS).unref();
  return {
    [Symbol.dispose]() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}
