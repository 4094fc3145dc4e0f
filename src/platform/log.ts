import { type Logger, pino } from "pino";
import type { Config } from "../config.ts";

export type Log = Logger;

/** JSON lines on standard output: program, message, ids and numbers. Nothing personal goes into a log. */
export function createLog(config: Pick<Config, "logLevel">, program: string): Log {
  return pino({
    level: config.logLevel,
    base: { program, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ["req.headers.authorization", "req.headers.cookie"], remove: true },
  });
}
