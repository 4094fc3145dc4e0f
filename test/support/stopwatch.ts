import { clearInterval, setInterval } from "node:timers";

const TICK_MS = 20;
/** Later ticks mean that the machine or this process stood still. */
const MOST_PER_TICK_MS = 100;

/**
 * Measures time without the time in which this process stood still, because the machine was suspended or gave its cores
 * to others. The limit of a test is about the program: no program is quick on a machine that stands still.
 */
export class Stopwatch implements Disposable {
  #ms = 0;
  #at = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS).unref();

  get ms(): number {
    this.#tick();
    return this.#ms;
  }

  #tick(): void {
    const now = performance.now();
    this.#ms += Math.min(MOST_PER_TICK_MS, now - this.#at);
    this.#at = now;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Measures how long something takes. */
export async function timed<T>(running: () => Promise<T>): Promise<{ result: T; ms: number }> {
  using watch = new Stopwatch();
  const result = await running();
  return { result, ms: watch.ms };
}

/** Measures the CPU time of code that does not wait, in milliseconds. Other processes do not change it. */
export async function cpuMsOf(running: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await running();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The options of a test that is about a second: others on the machine can only make it longer, so the best of three counts. */
export const MEASURED = { retry: 2 };
