/** `rowmill` in this process, with a home and a terminal of its own. */
import { PassThrough, Readable } from "node:stream";
import { main } from "../../src/remote/main.ts";
import type { Terminal } from "../../src/remote/terminal.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Whether standard error is a terminal, which shows progress. */
  readonly isTTY?: boolean;
  /** The version of Node.js; absent: of this process. */
  readonly node?: string;
}

export class RemoteCommand {
  readonly #env: Terminal["env"];

  constructor(env: Terminal["env"]) {
    this.#env = env;
  }

  async run(args: readonly string[], { stdin = "", isTTY = false, node }: RunOptions = {}): Promise<Ended> {
    const stdout = collect();
    const stderr = collect();
    const terminal: Terminal = {
      env: this.#env,
      stdin: Readable.from([Buffer.from(stdin)]),
      stdout: stdout.stream,
      stderr: Object.assign(stderr.stream, { isTTY, columns: 200 }),
      interrupted: new AbortController().signal,
    };
    const code = await main(args, terminal, "1.2.3", node);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  }
}

function collect(): { stream: PassThrough; text: () => string } {
  let text = "";
  const stream = new PassThrough();
  stream.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return { stream, text: () => text };
}
