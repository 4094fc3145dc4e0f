/** Asks for a name and a password. */
import { createInterface } from "node:readline/promises";
import { PassThrough } from "node:stream";
import { ConfigError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

/** @throws ConfigError if nobody can answer */
export async function ask(terminal: Terminal, question: string): Promise<string> {
  const { stdin, stderr, interrupted } = terminal;
  if (!stdin.isTTY) throw new ConfigError(`${question} cannot be asked without a terminal. Use an option.`);
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await lines.question(`${question}: `, { signal: interrupted });
  } finally {
    lines.close();
  }
}

/** The terminal does not show what is typed. Without a terminal, the password is the first line of the input. */
export async function askPassword({ stdin, stderr, interrupted }: Terminal): Promise<string> {
  const isShown = stdin.isTTY === true;
  if (isShown) stderr.write("Password: ");
  const lines = createInterface({ input: stdin, output: new PassThrough().resume(), terminal: isShown });
  try {
    return isShown ? await lines.question("", { signal: interrupted }) : await firstLine(lines);
  } finally {
    lines.close();
    if (isShown) stderr.write("\n");
  }
}

async function firstLine(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) return line;
  throw new ConfigError("The password is missing. Send it on standard input, or use --token.");
}
