/** One command of the command line: what its help says, and what it does. */
import type { Config } from "../config/config.ts";
import { ConfigError } from "../errors.ts";
import type { OpenContext } from "../open-context.ts";
import { commandLine } from "../platform/process/command-line.ts";
import { type Options, readArguments, type Values } from "./arguments.ts";

export interface Session {
  /** Its `databaseUrl` is set, also for the embedded database. */
  readonly config: Config;
  /** Opens a context, which the session closes. */
  readonly connect: () => Promise<OpenContext>;
}

interface Shown {
  /** Words after `npm run cli --`: a verb, or a noun and a verb. */
  readonly name: string;
  /** Arguments and options. */
  readonly usage: string;
  readonly summary: string;
}

export interface Command extends Shown {
  /** Checks the arguments, and returns the function that runs the command. */
  readonly prepare: (args: readonly string[]) => (session: Session) => Promise<void>;
}

interface Definition<O extends Options> extends Shown {
  /** How many arguments it takes beside its options; true: one. */
  readonly takesArgument?: boolean | 2;
  readonly options: O;
  readonly run: (session: Session, values: Values<O>, ...args: (string | undefined)[]) => Promise<void>;
}

export const text = { type: "string" } as const;
export const flag = { type: "boolean", default: false } as const;

export function command<const O extends Options>(definition: Definition<O>): Command {
  const { name, usage, summary, takesArgument = false, options, run } = definition;
  return {
    name,
    usage,
    summary,
    prepare(args) {
      const { values, positionals } = readArguments(args, options);
      if (positionals.length > Number(takesArgument)) {
        throw new ConfigError(`Too many arguments. Usage: npm run cli -- ${name} ${usage}`.trimEnd());
      }
      return (session) => {
        const connect = async () => ({ ...(await session.connect()), commandLine: commandLine() });
        return run({ ...session, connect }, values, ...positionals);
      };
    },
  };
}
