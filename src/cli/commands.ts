/** All commands of `npm run cli`, and their help. */
import { ConfigError } from "../errors.ts";
import { QUEUES } from "../jobs.ts";
import { accountCommands, createAdmin } from "./accounts.ts";
import { listAudit } from "./audit.ts";
import { backupCommands } from "./backup.ts";
import type { Command } from "./command.ts";
import { migrate } from "./database.ts";
import { doctor } from "./doctor.ts";
import { events } from "./events.ts";
import { jobCommands } from "./jobs.ts";
import { limitCommands } from "./limits.ts";
import { outboxCommands } from "./outbox.ts";
import { queueCommands } from "./queues.ts";
import { scheduleCommands } from "./schedules.ts";
import { secretCommands } from "./secrets.ts";
import { seed } from "./seed.ts";
import { tableCommands } from "./target-tables.ts";
import { taskCommands } from "./tasks.ts";
import { workerCommands } from "./workers.ts";

const commands: readonly Command[] = [
  migrate,
  doctor,
  createAdmin,
  seed,
  events,
  ...tableCommands,
  ...backupCommands,
  ...accountCommands,
  listAudit,
  ...taskCommands,
  ...queueCommands,
  ...scheduleCommands,
  ...limitCommands,
  ...secretCommands,
  ...jobCommands,
  ...outboxCommands,
  ...workerCommands,
];

const NOTES = `FILTER: one or more of --status, --type, --queue and --user NAME, or --all.
QUEUE:  ${QUEUES.join(", ")}.
Commands for accounts, the audit log, tasks, queues, limits, secrets, schedules, jobs, mails, backups and workers print JSON with --json.`;

/**
 * Finds the command that the arguments name.
 * @returns null if they ask for help
 * @throws ConfigError that names the known commands
 */
export function findCommand(args: readonly string[]): ReturnType<Command["prepare"]> | null {
  const [noun, verb] = args;
  if (noun === undefined || noun === "help" || args.includes("--help") || args.includes("-h")) return null;
  for (const { name, prepare } of commands) {
    if (name === noun) return prepare(args.slice(1));
    if (name === `${noun} ${verb}`) return prepare(args.slice(2));
  }
  const ofNoun = commandsOf(noun);
  if (ofNoun.length > 0 && verb === undefined) return null;
  const unknown = ofNoun.length > 0 ? `${noun} ${verb}` : noun;
  const known = (ofNoun.length > 0 ? ofNoun : commands).map(({ name }) => name);
  throw new ConfigError(`Unknown command "${unknown}". Known commands: ${known.join(", ")}.`);
}

/** Describes the commands of one noun, or all commands. */
export function helpFor(noun: string | undefined): string {
  const ofNoun = noun === undefined ? [] : commandsOf(noun);
  const shown = ofNoun.length > 0 ? ofNoun : commands;
  const lines = shown.flatMap(({ name, usage, summary }, at) => {
    const isNewNoun = at > 0 && name.includes(" ") && nounOf(name) !== nounOf(shown[at - 1]?.name ?? "");
    return [...(isNewNoun ? [""] : []), `  ${name} ${usage}`.trimEnd(), `      ${summary}`];
  });
  return `Usage: npm run cli -- COMMAND\n\n${lines.join("\n")}\n\n${NOTES}`;
}

function commandsOf(noun: string): Command[] {
  return commands.filter(({ name }) => nounOf(name) === noun);
}

function nounOf(name: string): string {
  return name.split(" ")[0] ?? "";
}
