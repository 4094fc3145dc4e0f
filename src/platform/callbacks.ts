import type { Log } from "./log.ts";

/** Calls all functions. One that throws is logged, and does not keep the others from running. */
export function runAll(functions: readonly (() => void)[], log: Log): void {
  for (const run of functions) {
    try {
      run();
    } catch (error) {
      log.error({ err: error }, "a function that runs after a commit has failed");
    }
  }
}
