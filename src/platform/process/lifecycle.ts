/** How a program begins, and how it ends: in reverse order of opening, with a deadline. */
import type { Config } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import { createLog, type Log } from "../log.ts";

/** A program that is not closed by then exits all the same: what it held is handed on by the database. */
const CLOSE_DEADLINE_MS = 30_000;

/** npm passes on the Ctrl-C that the terminal has sent to its programs already: within this time it is the same one. */
const SAME_SIGNAL_MS = 1000;

/** What a program tells the one that started it when it serves. */
export const READY = "ready";

export interface Running {
  readonly config: Config;
  readonly log: Log;
  /** What is opened goes onto this stack, and is closed from its top down. */
  readonly resources: AsyncDisposableStack;
  /** Closes what is open, once, whoever asks. */
  readonly close: () => Promise<void>;
}

/**
 * Runs a program until SIGINT, SIGTERM or the end of the one that started it; then it exits with 0 once all is closed.
 * One that can't start exits with 1: for a bad setting with one line that names it, else with a stack.
 */
export async function runProgram(
  name: string,
  load: () => Config,
  start: (running: Running) => Promise<void>,
): Promise<void> {
  const resources = new AsyncDisposableStack();
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= resources.disposeAsync();
    return closing;
  };
  try {
    const config = load();
    const log = createLog(config, name);
    closeOnSignal(log, close);
    await start({ config, log, resources, close });
    process.send?.(READY);
  } catch (error) {
    // Once it closes, whatever is still under way fails; who closes it exits.
    if (closing) return;
    await close();
    reportAndExit(error);
  }
}

/** A bad setting in one line, anything else with its stack. */
export function reportAndExit(error: unknown): never {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`rowmill: ${text}\n`);
  process.exit(1);
}

function closeOnSignal(log: Log, close: () => Promise<void>): void {
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
