import type { Context } from "../../context.ts";
import { stackOf } from "../../platform/log.ts";
import { taskStacks } from "../../schema/tasks.ts";
import type { Task } from "../transitions.ts";

/** Stores where an attempt failed, for operators. The outcome counts also if this is not possible. */
export async function storeStack(
  { db, log }: Context,
  { id: taskId, attempt }: Task,
  error: unknown,
): Promise<void> {
  const changes = { attempt, stack: stackOf(error) };
  if (changes.stack === "") return;
  try {
    await db
      .insert(taskStacks)
      .values({ taskId, ...changes })
      .onConflictDoUpdate({ target: taskStacks.taskId, set: changes });
  } catch (cause) {
    log.warn({ err: cause }, "could not store the stack of a failed attempt");
  }
}
