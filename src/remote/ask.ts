/** Asks for a name and a password. */
import { createInterface, type Interface } from "node:readline/promises";
import { PassThrough } from "node:stream";
import { ConfigError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

/** Ctrl-C at a question, which arrives as a key and not as a signal. */
export class Interrupted extends Error {}

/**
 * @param option the option that answers the question
 * @throws ConfigError if nobody can answer
 */
export async function ask(terminal: Terminal, question: string, option: string): Promise<string> {
  const { stdin, stderr } = terminal;
  if (!stdin.isTTY) throw new ConfigError(`${question} cannot be asked without a terminal. Use ${option}.`);
  using lines = createInterface({ input: stdin, output: stderr, terminal: true });
  return await answerOf(lines, terminal, question).catch((error) => {
    if (!(error instanceof Interrupted)) stderr.write("\n");
    throw error;
  });
}

/** The terminal does not show what is typed. Without a terminal, the password is the first line of the input. */
export async function askPassword(terminal: Terminal): Promise<string> {
  const { stdin, stderr } = terminal;
  const isShown = stdin.isTTY === true;
  const output = new PassThrough().resume();
  using lines = createInterface({ input: stdin, output, terminal: isShown });
  if (!isShown) return await firstLine(lines);
  stderr.write("Password: ");
  return await answerOf(lines, terminal, "Password").finally(() => stderr.write("\n"));
}

/** @throws Interrupted on Ctrl-C, ConfigError on Ctrl-D */
async function answerOf(lines: Interface, { interrupted }: Terminal, question: string): Promise<string> {
  const ctrlC = new AbortController();
  lines.once("SIGINT", () => ctrlC.abort());
  const signal = AbortSignal.any([interrupted, ctrlC.signal]);
  try {
    return await lines.question(`${question}: `, { signal });
  } catch (cause) {
    if (signal.aborted) throw new Interrupted("interrupted", { cause });
    throw new ConfigError(`${question}: the input ended without an answer.`, { cause });
  }
}

async function firstLine(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) return line;
  throw new ConfigError("The password is missing. Send it on standard input, or use --token.");
}
