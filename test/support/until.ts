import { setTimeout as sleep } from "node:timers/promises";
import { Stopwatch } from "./stopwatch.ts";

/** The pause between two looks is this part of the time waited so far: most looks are requests, which take CPU from the others. */
const PAUSE_SHARE = 0.05;
const MIN_PAUSE_MS = 20;
const MAX_PAUSE_MS = 100;
/** Only a test that fails waits this long. Machines differ by a factor of three. */
const PATIENCE_MS = 120_000;

/**
 * Waits for a condition instead of for a time: the value that `probe` gives once it is neither null nor false.
 * @param timeoutMs shorter only if the test is about the time
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | false>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  using watch = new Stopwatch();
  for (;;) {
    const found = await probe();
    if (found !== null && found !== false) return found;
    const waitedMs = watch.ms;
    if (waitedMs > timeoutMs) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`);
    await sleep(Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_SHARE * waitedMs)));
  }
}
