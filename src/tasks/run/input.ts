import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { storableJson } from "../../platform/storable.ts";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../take-edge.ts";
import type { TaskInput, TaskType } from "../task-type.ts";
import type { Progress } from "./progress.ts";

/** What a type gets to work with; disposing of it closes the file. */
export async function inputOf(
  _ctx: Context,
  _type: TaskType,
  task: Task,
  signal: AbortSignal,
  progress: Progress,
): Promise<TaskInput<TaskType["params"]> & AsyncDisposable> {
  return {
    task,
    params: task.params,
    file: null,
    signal,
    progress: (percent, message, data) => progress.report(percent, message, data),
    store: () => {
      throw new Error("not yet");
    },
    keep: (tx, result) => keep(tx, task, result),
    async [Symbol.asyncDispose]() {},
  };
}

async function keep(tx: Context, { id, attempt }: Task, result: Record<string, unknown>): Promise<void> {
  const isMine = and(eq(tasks.id, id), eq(tasks.attempt, attempt), eq(tasks.status, "processing"));
  const kept = await tx.db
    .update(tasks)
    .set({ result: sql`${storableJson(result)}::jsonb` })
    .where(isMine);
  if (kept.rowCount === 0) throw new Error(`The task ${id} is not this worker's any more.`);
}
