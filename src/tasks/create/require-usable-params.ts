import type { Tx } from "../../context.ts";
import type { TaskType } from "../types/task-type.ts";

/** Checks parameters against the database. @throws DomainError `invalid_input` */
export async function requireUsableParams(
  tx: Tx,
  userId: number,
  tasks: readonly { type: TaskType; params: Record<string, unknown>; field: string }[],
): Promise<void> {
  for (const [type, own] of Map.groupBy(tasks, ({ type }) => type))
    await type.requireUsable?.(tx, userId, own);
}
