/** Starts a program, and closes its resources in reverse order within a deadline. */
import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../errors.ts";
import { createLog, type Log } from "../log.ts";
import { openTracing } from "../tracing/open-tracing.ts";
import { noTracing, type Tracing } from "../tracing/tracing.ts";

/** A program that is still closing after this time exits anyway: the database hands its work to others. */
const CLOSE_DEADLINE_MS = 30_000;

/** On Ctrl-C a program gets SIGINT from the terminal and again from npm; within this time they count as one. */
const SAME_SIGNAL_MS = 1000;

/** Message that a program sends to its parent process once it serves. */
export const READY = "ready";

export interface Running {
  readonly config: Config;
  readonly log: Log;
  readonly tracing: Tracing;
  /** Closed from the top of the stack down. */
  readonly resources: AsyncDisposableStack;
  /** Closes all resources; later calls return the same promise. */
  readonly close: () => Promise<void>;
  /** Closes the program and exits, as after a first signal. Does nothing if the program is closing. */
  readonly shutDown: (reason: string) => void;
}

/**
 * Runs a program until SIGINT, SIGTERM or the end of its parent process, then closes it and exits with 0.
 * If it cannot start, it exits with 1: a ConfigError is printed as one line, any other error with its stack.
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
    let tracing = noTracing;
    const log = createLog(config, name, config.tracing ? () => tracing.logFields() : undefined);
    tracing = await openTracing(config, name, log);
    resources.defer(() => tracing.close());
    const shutDown = closeOnSignal(log, close);
    await start({ config, log, tracing, resources, close, shutDown });
    process.send?.(READY);
  } catch (error) {
    // Closing makes a start that is still under way fail; the code that closes also exits.
    if (closing) return;
    await close();
    reportAndExit(error);
  }
}

/** Prints a ConfigError as one line, any other error with its stack, and exits with 1. */
export function reportAndExit(error: unknown): never {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`rowmill: ${text}\n`);
  process.exit(1);
}

function closeOnSignal(log: Log, close: () => Promise<void>): Running["shutDown"] {
  let closingSince: number | null = null;
  const shutDown = async (reason: string) => {
    if (closingSince !== null) {
      if (Date.now() - closingSince < SAME_SIGNAL_MS) return;
      log.warn({ reason }, "exiting at once after a second signal");
      process.exit(1);
    }
    closingSince = Date.now();
    log.info({ reason }, "closing");
    setTimeout(() => {
      log.error("exiting because closing takes too long");
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
  const shutDownOnce = (reason: string) => {
    if (closingSince === null) void shutDown(reason);
  };
  process.on("disconnect", () => shutDownOnce("the parent process ended"));
  return shutDownOnce;
}
