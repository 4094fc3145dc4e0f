import { setTimeout as sleep } from "node:timers/promises";

/** Waits for a condition instead of for a time: the value that `probe` gives once it is neither null nor false. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`);
    await sleep(20);
  }
}
