/** The program's surroundings, which tests replace. */
import type { Readable, Writable } from "node:stream";
import { harmless } from "../cli/table.ts";

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  /** For the result. */
  readonly stdout: Writable & { isTTY?: boolean };
  /** For everything else. */
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** Writes a line on standard error. Texts of the server cannot control the terminal. */
export function note({ stderr }: Terminal, text: string): void {
  stderr.write(`${harmless(text)}\n`);
}

/** Writes on standard output, also without control characters. Waits while the reader is slower. */
export async function print({ stdout }: Terminal, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(`${harmless(text)}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

export function printJson(terminal: Terminal, value: unknown): Promise<void> {
  return print(terminal, jsonText(value));
}

/** JSON escapes most control characters; these are the others. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}
