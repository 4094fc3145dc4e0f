/** The program's surroundings, which tests replace. */
import type { Readable, Writable } from "node:stream";

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

/** Writes a line on standard error. */
export function note({ stderr }: Terminal, text: string): void {
  stderr.write(`${text}\n`);
}

/** Writes on standard output. Waits while the reader is slower. */
export async function print({ stdout }: Terminal, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

export function printJson(terminal: Terminal, value: unknown): Promise<void> {
  return print(terminal, JSON.stringify(value, null, 2));
}
