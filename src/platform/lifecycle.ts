/** How a program begins to fail and how it ends. */
import { ConfigError } from "../errors.ts";
import type { Log } from "./log.ts";

/** A program that is not closed by then exits all the same: what it held is handed on by the database. */
const CLOSE_DEADLINE_MS = 30_000;

/** npm passes on the Ctrl-C that the terminal has sent to its programs already: within this time it is the same one. */
const SAME_SIGNAL_MS = 1000;

/**
 * Calls `close` on SIGINT or SIGTERM, or when the parent that started this program is gone, then exits: 0 when it
 * closed in time, 1 when it did not. A second signal exits at once. To be called before anything is opened.
 */
export function closeOnSignal(log: Log, close: () => Promise<void>): void {
  let closingSince: number | null = null;
  const shutDown = async (reason: string) => {
    if (closingSince !== null) {
      if (Date.now() - closingSince < SAME_SIGNAL_MS) return;
      log.warn({ reason }, "second signal: exiting at once");
      process.exit(1);
    }
    closingSince = Date.now();
    log.info({ reason }, "closing");
    setTimeout(() => {
      log.error("not closed in time");
      process.exit(1);
    }, CLOSE_DEADLINE_MS).unref();
    try {
      await close();
      log.info("closed");
      process.exit(0);
    } catch (error) {
      log.error({ err: error }, "closing failed");
      process.exit(1);
    }
  };
  process.on("SIGINT", shutDown);
  process.on("SIGTERM", shutDown);
  process.on("disconnect", () => {
    if (closingSince === null) void shutDown("the program that started this one is gone");
  });
}

/** What a program tells the one that started it. */
export const READY = "ready";

export function tellReady(): void {
  process.send?.(READY);
}

/** For a program that can't start: a bad setting in one line, anything else with its stack. */
export function reportAndExit(error: unknown): never {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`rowmill: ${text}\n`);
  process.exit(1);
}
