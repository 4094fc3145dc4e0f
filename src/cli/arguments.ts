/** Reads command-line arguments; error messages name what exists. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { ConfigError } from "../errors.ts";

export type Options = ParseArgsOptionsConfig;

export type Values<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true }>
>["values"];

/** @throws ConfigError that names the option and the known ones */
export function readArguments<const O extends Options>(
  args: readonly string[],
  options: O,
): { values: Values<O>; positionals: string[] } {
  const config = { args: [...args], options, allowPositionals: true } as const;
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option" && !Object.hasOwn(options, token.name)) {
      throw new ConfigError(`Unknown option "${token.rawName}". ${knownOptions(options)}`);
    }
  }
  try {
    return parseArgs(config);
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : error}.`, { cause: error });
  }
}

function knownOptions(options: Options): string {
  const names = Object.keys(options).map((name) => `--${name}`);
  return names.length > 0 ? `Known options: ${names.join(", ")}.` : "This command has no options.";
}
