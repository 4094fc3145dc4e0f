/** Runs one command. */
import { nodeProblem } from "../cli/node-problem.ts";
import { createClient, RowmillError } from "../client/index.ts";
import { ConfigError } from "../errors.ts";
import { Interrupted } from "./ask.ts";
import { findCommand, help, helpOf } from "./commands.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { currentLogin } from "./login-file.ts";
import { note, print, type Terminal } from "./terminal.ts";

const TOKEN_REFUSED =
  "The server does not accept the token. Log in with `rowmill login URL`, or correct ROWMILL_TOKEN.";

export async function main(
  args: readonly string[],
  terminal: Terminal,
  version: string,
  node = process.versions.node,
): Promise<ExitCode> {
  try {
    const problem = nodeProblem(node);
    if (problem !== null) throw new ConfigError(problem);
    return await runCommand(args, terminal, version);
  } catch (error) {
    if (terminal.interrupted.aborted || error instanceof Interrupted) return EXIT.interrupted;
    // The reader of the output has seen enough, as in `rowmill rows ID | head`.
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return EXIT.done;
    note(terminal, `rowmill: ${messageOf(error, args)}`);
    return EXIT.refused;
  }
}

async function runCommand(args: readonly string[], terminal: Terminal, version: string): Promise<ExitCode> {
  const shown = textOf(args, version);
  if (shown !== null) {
    await print(terminal, shown);
    return EXIT.done;
  }
  const { command, args: rest } = findCommand(args);
  return command.prepare(rest)({
    terminal,
    async connect() {
      const { url, token } = await currentLogin(terminal.env);
      return createClient({ baseUrl: url, token });
    },
  });
}

/** The version or a page of help, if the arguments ask for it. */
function textOf(args: readonly string[], version: string): string | null {
  const [first] = args;
  if (first === "--version" || first === "-V") return version;
  if (first === undefined || ["help", "--help", "-h"].includes(first)) return help();
  return args.includes("--help") || args.includes("-h") ? helpOf(findCommand(args).command) : null;
}

function messageOf(error: unknown, [command]: readonly string[]): string {
  if (error instanceof RowmillError) {
    const { status, code, request_id } = error;
    const request = request_id === null ? "" : `, request ${request_id}`;
    const isTokenRefused = status === 401 && command !== "login";
    return `${isTokenRefused ? TOKEN_REFUSED : error.message} (${code}${request})`;
  }
  if (error instanceof ConfigError || (error instanceof Error && "code" in error)) return error.message;
  return (error instanceof Error && error.stack) || String(error);
}
