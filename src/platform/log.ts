import { DrizzleQueryError } from "drizzle-orm/errors";
import pg from "pg";
import { type Logger, pino } from "pino";
import type { Config } from "../config.ts";
import { isDataException } from "./sqlstates.ts";

export type Log = Logger;

/** JSON lines on standard output: program, message, ids and numbers. Nothing personal goes into a log. */
export function createLog(config: Pick<Config, "logLevel">, program: string): Log {
  const options = {
    level: config.logLevel,
    base: { program, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    redact: { paths: ["req.headers.authorization", "req.headers.cookie"], remove: true },
  };
  // Buffered lines would be flushed at the exit, which never ends where nobody reads them any more.
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

/** What an operator needs of an error, without the values that a statement was about. */
export function describeError(error: unknown): {
  type: string;
  message: string;
  code?: string;
  stack?: string;
} {
  if (!(error instanceof Error)) {
    // pg-boss reports errors as plain objects.
    const said =
      typeof error === "object" && error !== null && "message" in error ? String(error.message) : "unknown";
    return { type: typeof error, message: said };
  }
  // Drizzle's message holds every bound parameter; the cause says what is wrong.
  const cause = error instanceof DrizzleQueryError && error.cause ? error.cause : error;
  const code = "code" in cause ? String(cause.code) : undefined;
  const quotesData = cause instanceof pg.DatabaseError && isDataException(code ?? "");
  const frames = error.stack?.split("\n").filter((line) => /^ +at /.test(line));
  return {
    type: cause.name,
    message: quotesData ? "a value that the database can't take" : cause.message,
    ...(code ? { code } : {}),
    ...(frames ? { stack: frames.join("\n") } : {}),
  };
}
