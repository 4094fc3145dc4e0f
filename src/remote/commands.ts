/** All commands of `rowmill`, and their help. */
import { ConfigError } from "../errors.ts";
import { automationCommands } from "./automation.ts";
import { batchCommands } from "./batches.ts";
import type { Command } from "./command.ts";
import { importCommands } from "./import.ts";
import { loginCommands } from "./login.ts";
import { targetCommands } from "./targets.ts";
import { taskCommands } from "./tasks.ts";

const commands: readonly Command[] = [
  ...loginCommands,
  ...importCommands,
  ...batchCommands,
  ...taskCommands,
  ...automationCommands,
  ...targetCommands,
];

const NOTES = `rowmill COMMAND --help describes a command. IDs are the long ones that \`batches\` and \`tasks\` show.
Exit codes: 0 done; 1 refused, or the connection failed; 2 rows failed (with --fail-on-errors), or the batch or task
failed or was cancelled; 130 interrupted.`;

/** @throws ConfigError that names the known commands */
export function findCommand([noun, verb, ...rest]: readonly string[]): {
  readonly command: Command;
  readonly args: readonly string[];
} {
  const args = verb === undefined ? [] : [verb, ...rest];
  for (const command of commands) {
    if (command.name === `${noun} ${verb}`) return { command, args: rest };
  }
  for (const command of commands) {
    if (command.name === noun) return { command, args };
  }
  throw new ConfigError(
    `Unknown command "${noun}". Known commands: ${commands.map(({ name }) => name).join(", ")}.`,
  );
}

export function helpOf({ name, usage, summary, details }: Command): string {
  return [`Usage: rowmill ${name} ${usage}`.trimEnd(), "", summary, ...(details ? ["", details] : [])].join(
    "\n",
  );
}

export function help(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: rowmill COMMAND\n\n${lines.join("\n")}\n\n${NOTES}`;
}
