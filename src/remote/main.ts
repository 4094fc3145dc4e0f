/** Runs one command. */
import { createClient, RowmillError } from "../client/index.ts";
import { ConfigError } from "../errors.ts";
import { findCommand, help, helpOf } from "./commands.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { currentLogin } from "./login-file.ts";
import { note, print, type Terminal } from "./terminal.ts";

export async function main(args: readonly string[], terminal: Terminal, version: string): Promise<ExitCode> {
  try {
    return (await runCommand(args, terminal, version)) ?? EXIT.done;
  } catch (error) {
    if (terminal.interrupted.aborted) return EXIT.interrupted;
    // The reader of the output has seen enough, as in `rowmill rows ID | head`.
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return EXIT.done;
    note(terminal, `rowmill: ${messageOf(error)}`);
    return EXIT.refused;
  }
}

async function runCommand(
  args: readonly string[],
  terminal: Terminal,
  version: string,
): Promise<ExitCode | undefined | void> {
  const [first] = args;
  if (first === "--version" || first === "-V") return print(terminal, version);
  if (first === undefined || ["help", "--help", "-h"].includes(first)) return print(terminal, help());
  const { command, args: rest } = findCommand(args);
  if (rest.includes("--help") || rest.includes("-h")) return print(terminal, helpOf(command));
  return command.prepare(rest)({
    terminal,
    async connect() {
      const { url, token } = await currentLogin(terminal.env);
      return createClient({ baseUrl: url, token });
    },
  });
}

function messageOf(error: unknown): string | undefined {
  if (error instanceof RowmillError) {
    const { status, code, request_id } = error;
    const request = request_id === null ? "" : `, request ${request_id}`;
    const hint = status === 401 ? " Log in with `rowmill login URL`." : "";
    return `${error.message}${hint} (${code}${request})`;
  }
  if (error instanceof ConfigError || (error instanceof Error && "code" in error)) return error.message;
  return error instanceof Error ? error.stack : String(error);
}
