/** Options that choose tasks. */
import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import type { TaskFilter } from "../tasks/queries.ts";
import type { Values } from "./arguments.ts";
import { flag, text } from "./command.ts";
import { queueNamed, statusNamed, userNamed } from "./named.ts";

export const filterOptions = { status: text, type: text, queue: text, user: text, all: flag } as const;

type FilterValues = Values<typeof filterOptions>;

/** @throws ConfigError if nothing is chosen and `--all` is not set */
export function requireChoice({ all, ...values }: FilterValues): void {
  const { status, type, queue, user } = values;
  if (all || [status, type, queue, user].some((value) => value !== undefined)) return;
  throw new ConfigError(
    "No tasks chosen. Give an ID, or filter by --status, --type, --queue or --user; --all chooses every task.",
  );
}

export async function filterOf(
  ctx: Context,
  { status, type, queue, user }: FilterValues,
): Promise<TaskFilter> {
  return {
    ...(status === undefined ? {} : { statuses: status.split(",").map(statusNamed) }),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue: queueNamed(queue) }),
    ...(user === undefined ? {} : { userId: await userNamed(ctx, user) }),
  };
}
