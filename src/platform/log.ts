import { DrizzleQueryError } from "drizzle-orm/errors";
import pg from "pg";
import { type DestinationStream, type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { Config } from "../config/config.ts";
import { isDataException } from "./sqlstates.ts";

export type Log = Logger;

interface LogConfig extends Pick<Config, "logLevel"> {
  readonly logFormat?: Config["logFormat"];
}

/**
 * Logs messages, ids and numbers to standard output. Never log personal data.
 * @param fields returns fields that every line has
 */
export function createLog(
  { logLevel, logFormat = "auto" }: LogConfig,
  program: string,
  fields?: () => Record<string, string>,
): Log {
  const options = {
    level: logLevel,
    base: { program, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    ...(fields ? { mixin: fields } : {}),
    redact: { paths: ["req.headers.authorization", "req.headers.cookie"], remove: true },
  };
  const isPretty = logFormat === "pretty" || (logFormat === "auto" && process.stdout.isTTY);
  // Synchronous, because an asynchronous log is flushed at exit, which hangs if nobody reads standard output any more.
  return pino(options, isPretty ? prettyLines() : pino.destination({ dest: 1, sync: true }));
}

const PROGRAM_WIDTH = "worker".length;

function prettyLines(): DestinationStream {
  return pretty({
    destination: 1,
    sync: true,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss",
    ignore: "pid,program",
    messageFormat: ({ program, msg }) => `${String(program).padEnd(PROGRAM_WIDTH)}  ${msg}`,
  });
}

/** Describes an error for operators, without the values of an SQL statement. */
export function describeError(error: unknown): {
  type: string;
  message: string;
  code?: string;
  stack?: string;
} {
  if (!(error instanceof Error)) {
    // pg-boss reports errors as plain objects.
    const message =
      typeof error === "object" && error !== null && "message" in error ? String(error.message) : "unknown";
    return { type: typeof error, message };
  }
  // The message of drizzle's error has all bound parameters. Its cause has the reason.
  const cause = error instanceof DrizzleQueryError && error.cause ? error.cause : error;
  const code = "code" in cause ? String(cause.code) : undefined;
  const quotesData = cause instanceof pg.DatabaseError && isDataException(code ?? "");
  const frames = error.stack?.split("\n").filter((line) => /^ +at /.test(line));
  return {
    type: cause.name,
    message: quotesData ? "The database rejected a value." : cause.message,
    ...(code ? { code } : {}),
    ...(frames ? { stack: frames.join("\n") } : {}),
  };
}

/** The stack of an error and of its causes is cut off after this many characters. */
const MAX_STACK = 8000;
const MAX_CAUSES = 5;

/** Returns the lines of the code that failed, with the kinds of the errors and without their messages. */
export function stackOf(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error; cause instanceof Error && parts.length < MAX_CAUSES; cause = cause.cause) {
    const { type, code, stack = "" } = describeError(cause);
    parts.push(`${parts.length > 0 ? "Caused by " : ""}${type}${code ? ` (${code})` : ""}\n${stack}`);
  }
  return parts.join("\n").slice(0, MAX_STACK);
}
