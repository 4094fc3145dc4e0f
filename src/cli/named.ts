/** Finds what an argument or option names. */
import { asc, eq, sql } from "drizzle-orm";
import { cleanUsername } from "../accounts/usernames.ts";
import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { QUEUES, type QueueName } from "../jobs.ts";
import { type Role, userRole, users } from "../schema/accounts.ts";
import { type TaskStatus, taskStatus } from "../schema/tasks.ts";
import { taskTypeNames } from "../tasks/types/registry.ts";

export function queueNamed(name: string | undefined): QueueName {
  return oneOf("queue", QUEUES, name);
}

export function typeNamed(name: string | undefined): string {
  return oneOf("task type", taskTypeNames, name);
}

export function statusNamed(name: string): TaskStatus {
  return oneOf("status", taskStatus.enumValues, name);
}

export function roleNamed(name: string | undefined): Role {
  return oneOf("role", userRole.enumValues, name);
}

export function oneOf<T extends string>(kind: string, known: readonly T[], name: string | undefined): T {
  const found = known.find((one) => one === name);
  if (found !== undefined) return found;
  const problem = name === undefined ? `The ${kind} is missing.` : `Unknown ${kind} "${name}".`;
  throw new ConfigError(`${problem} Use one of: ${known.join(", ")}.`);
}

export async function userNamed(ctx: Context, name: string): Promise<number> {
  const [user] = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(sql`lower(${users.username}) = lower(${cleanUsername(name)})`);
  if (!user) throw new ConfigError(`--user: no user is named "${name}".`);
  return user.id;
}

export async function firstAdmin(ctx: Context): Promise<number> {
  const [user] = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(eq(users.role, "admin"))
    .orderBy(asc(users.id))
    .limit(1);
  if (!user) throw new ConfigError("--user: required, because no administrator exists to own the task.");
  return user.id;
}

export function limitOf(limit: string): number {
  const number = Number(limit);
  if (Number.isInteger(number) && number > 0 && number <= 10_000) return number;
  throw new ConfigError("--limit: must be a whole number from 1 to 10000.");
}
