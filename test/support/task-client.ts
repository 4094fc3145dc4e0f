/** Tasks over HTTP. Tests without an API use tasks.ts. */
import { sql } from "drizzle-orm";
import { inTransaction, type Tx } from "../../src/context.ts";
import type { OpenContext } from "../../src/open-context.ts";
import type { TaskRequest } from "../../src/tasks/create/create-tasks.ts";
import { hasEnded } from "../../src/tasks/state.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import type { Client } from "./client.ts";
import { createTask } from "./tasks.ts";
import { until } from "./until.ts";

export interface Listed<T = TaskView> {
  readonly items: T[];
  readonly next_cursor: string | null;
}

export interface Bulk {
  readonly group_id: string;
  readonly count: number;
  readonly tasks: { readonly id: string; readonly number: number; readonly job_id: string }[];
}

/** Makes a task that must be accepted; by default one that is done at once. */
export async function makeTask(user: Client, body: object = {}): Promise<TaskView> {
  const answer = await user.post<TaskView>("/api/v1/tasks", {
    type: "generic",
    params: { seconds: 0 },
    ...body,
  });
  if (answer.status !== 201) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export async function getTask(user: Client, id: string): Promise<TaskView> {
  const { body } = await user.get<TaskView>(`/api/v1/tasks/${id}`);
  return body;
}

/** The task once it is as `isSo` says. */
export function untilTask(
  user: Client,
  id: string,
  what: string,
  isSo: (task: TaskView) => boolean,
): Promise<TaskView> {
  return until(`the task ${what}`, async () => {
    const task = await getTask(user, id);
    return isSo(task) ? task : null;
  });
}

export const untilEnded = (user: Client, id: string) =>
  untilTask(user, id, "has ended", ({ status }) => hasEnded(status));

/** The types of its events, steps of its progress left out. */
export async function history(user: Client, id: string): Promise<string[]> {
  const { body } = await user.get<Listed<{ type: string }>>(`/api/v1/tasks/${id}/history`);
  return body.items.map(({ type }) => type).filter((type) => type !== "progress");
}

/** How many tasks the user has, and how many jobs of them a worker will take; of one job where it is given. */
export async function rowsOf({ pool }: OpenContext, { userId }: Client, jobId: string | null = null) {
  const { rows } = await pool.query<{ tasks: number; jobs: number }>(
    `SELECT (SELECT count(*)::int FROM rowmill.tasks WHERE user_id = $1 AND job_id = coalesce($2, job_id)) AS tasks,
      (SELECT count(*)::int FROM rowmill_queue.job WHERE name LIKE 'task.%' AND group_id = $1::text
        AND id = coalesce($2, id) AND state IN ('created', 'retry', 'active')) AS jobs`,
    [userId, jobId],
  );
  return rows[0];
}

/**
 * Creates a task that fails at every attempt. `passing`: a retry might succeed; `gone`: this version does not know its type,
 * so a retry cannot succeed.
 */
export function makeBroken(
  ctx: OpenContext,
  { userId }: Pick<Client, "userId">,
  how: "passing" | "gone",
  request: Partial<TaskRequest> = {},
): Promise<string> {
  return inTransaction(ctx, async (tx) => {
    const id = await createTask(tx, userId, { type: "generic", ...request });
    await breakTask(tx, id, how);
    return id;
  });
}

export async function breakTask(tx: Tx, id: string, how: "passing" | "gone"): Promise<void> {
  const change = how === "gone" ? sql`type = 'gone'` : sql`params = 'null'`;
  await tx.db.execute(sql`UPDATE rowmill.tasks SET ${change} WHERE id = ${id}`);
}
