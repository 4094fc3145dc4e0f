/** One command of `rowmill`: what its help says, and what it does. */
import { type Options, readArguments, type Values } from "../cli/arguments.ts";
import type { RowmillClient } from "../client/index.ts";
import { ConfigError } from "../errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

export interface Session {
  readonly terminal: Terminal;
  /** @throws ConfigError if nobody has logged in */
  readonly connect: () => Promise<RowmillClient>;
}

interface Shown {
  readonly name: string;
  /** Arguments and options. */
  readonly usage: string;
  readonly summary: string;
  /** For the help of this command alone. */
  readonly details?: string;
}

export interface Command extends Shown {
  /** Checks the arguments, and returns the function that runs the command. */
  readonly prepare: (args: readonly string[]) => (session: Session) => Promise<ExitCode>;
}

interface Definition<O extends Options> extends Shown {
  readonly options: O;
  /** The names of the arguments; the last may be left out if its name ends in `?`. */
  readonly takes?: readonly string[];
  readonly run: (
    session: Session,
    values: Values<O>,
    args: readonly string[],
  ) => Promise<ExitCode> | Promise<void>;
}

export const text = { type: "string" } as const;
export const texts = { type: "string", multiple: true } as const;
export const flag = { type: "boolean", default: false } as const;

export function command<const O extends Options>(definition: Definition<O>): Command {
  const { options, takes = [], run, ...shown } = definition;
  const usage = `Usage: rowmill ${shown.name} ${shown.usage}`.trimEnd();
  const required = takes.filter((name) => !name.endsWith("?"));
  return {
    ...shown,
    prepare(args) {
      const { values, positionals } = readArguments(args, options);
      const missing = required[positionals.length];
      if (missing !== undefined) throw new ConfigError(`${missing} is missing. ${usage}`);
      if (positionals.length > takes.length) {
        throw new ConfigError(`Unexpected argument "${positionals[takes.length]}". ${usage}`);
      }
      return async (session) => {
        const code = await run(session, values, positionals);
        return typeof code === "number" ? code : EXIT.done;
      };
    },
  };
}

/** @throws ConfigError unless it is a number from 1 to 1,000,000 */
export function limitOf(limit: string): number {
  const number = Number(limit);
  if (Number.isInteger(number) && number > 0 && number <= 1_000_000) return number;
  throw new ConfigError("--limit: must be a whole number from 1 to 1000000.");
}

/** @throws ConfigError unless it is one of these words */
export function oneOf<T extends string>(option: string, known: readonly T[], value: string): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new ConfigError(`${option}: "${value}" is not one of: ${known.join(", ")}.`);
}
