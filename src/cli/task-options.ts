/** What `npm run cli -- tasks ...` is given. */
import { parseArgs } from "node:util";
import { asc, eq, sql } from "drizzle-orm";
import { cleanUsername } from "../accounts/usernames.ts";
import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { QUEUES, type QueueName } from "../jobs.ts";
import { users } from "../schema/accounts.ts";
import { type TaskStatus, taskStatus } from "../schema/tasks.ts";
import type { TaskFilter } from "../tasks/queries.ts";
import { taskTypeNames } from "../tasks/types/registry.ts";

export const TASKS_USAGE = `Usage: npm run cli -- tasks COMMAND [--json]
  queues                       how much waits in each queue, and for how long
  workers                      the processes that take jobs
  inspect active|scheduled     jobs that are being worked on, or due later
  inspect registered           queues, jobs and task types, and how many workers take them
  list [FILTER] [--limit 20]   tasks, newest first
  cancel ID|FILTER [--reason TEXT] [--yes]
  retry ID|FILTER [--force] [--yes]
  delete ID|FILTER [--yes]     without --yes those of a filter are only counted
  purge QUEUE [--yes]          cancel all that waits in a queue and nothing has begun
  pause QUEUE                  have no worker take anything from a queue
  resume QUEUE                 let them again
  run TYPE [--params JSON] [--file PATH] [--title TEXT] [--user NAME] [--wait]
FILTER: --status, --type, --queue, --user NAME, --all
QUEUE: ${QUEUES.join(", ")}`;

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;
const options = {
  status: text,
  type: text,
  queue: text,
  user: text,
  all: flag,
  limit: { type: "string", default: "20" },
  reason: { type: "string", default: "" },
  force: flag,
  yes: flag,
  params: text,
  file: text,
  title: text,
  wait: flag,
  json: flag,
} as const;

export type TaskOptions = ReturnType<typeof readOptions>["values"];

/** @throws ConfigError with the usage where an option is none */
export function readOptions(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : error}\n${TASKS_USAGE}`);
  }
}

export function queueNamed(name: string | undefined): QueueName {
  const found = QUEUES.find((queue) => queue === name);
  if (!found) throw new ConfigError(`"${name ?? ""}" is no queue: ${QUEUES.join(", ")}.`);
  return found;
}

/** @throws ConfigError where nothing is chosen and not all are asked for */
export async function filterOf(ctx: Context, given: TaskOptions, mayBeEmpty = false): Promise<TaskFilter> {
  const { status, type, queue, user, all } = given;
  const isEmpty = [status, type, queue, user].every((value) => value === undefined);
  if (isEmpty && !all && !mayBeEmpty) {
    throw new ConfigError(
      "Which tasks? Name an ID, or choose by --status, --type, --queue, --user; --all: every one.",
    );
  }
  return {
    ...(status === undefined ? {} : { statuses: status.split(",").map(statusNamed) }),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue: queueNamed(queue) }),
    ...(user === undefined ? {} : { userId: await userNamed(ctx, user) }),
  };
}

export function limitOf({ limit }: TaskOptions): number {
  const number = Number(limit);
  if (Number.isInteger(number) && number > 0 && number <= 10_000) return number;
  throw new ConfigError("--limit: a number from 1 to 10000.");
}

/** @throws ConfigError where it is no JSON object */
export function paramsOf({ params }: TaskOptions): Record<string, unknown> | undefined {
  if (params === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(params);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Said below.
  }
  throw new ConfigError(`--params: a JSON object, as in --params '{"seconds": 2}'.`);
}

export function typeNamed(name: string | undefined): string {
  if (name !== undefined && taskTypeNames.includes(name)) return name;
  throw new ConfigError(`"${name ?? ""}" is no task type: ${taskTypeNames.join(", ")}.`);
}

export async function userNamed(ctx: Context, name: string): Promise<number> {
  const [user] = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(sql`lower(${users.username}) = lower(${cleanUsername(name)})`);
  if (!user) throw new ConfigError(`--user: there is no user "${name}".`);
  return user.id;
}

/** @throws ConfigError where there is none */
export async function firstAdmin(ctx: Context): Promise<number> {
  const [user] = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(eq(users.role, "admin"))
    .orderBy(asc(users.id))
    .limit(1);
  if (!user) throw new ConfigError("--user: whose task is it to be? There is no administrator yet.");
  return user.id;
}

function statusNamed(name: string): TaskStatus {
  const found = taskStatus.enumValues.find((status) => status === name);
  if (!found)
    throw new ConfigError(`--status: "${name}" is not one of: ${taskStatus.enumValues.join(", ")}.`);
  return found;
}
