/** The commands that a caller can send for a task, from the table of transitions. They cost no statement. */
import type { Context } from "../context.ts";
import { allows } from "./state.ts";
import type { Task } from "./transitions.ts";
import { typesDeniedTo } from "./types/require-role.ts";

export const TASK_ACTIONS = ["cancel", "retry", "delete"] as const;
export type TaskAction = (typeof TASK_ACTIONS)[number];

/** The same for the owner and for operators, who change tasks with POST /api/v1/admin/tasks/*. */
export function allowedActions(
  ctx: Pick<Context, "actor" | "config">,
  task: Pick<Task, "status" | "type" | "workflowId">,
): TaskAction[] {
  return TASK_ACTIONS.filter((action) => isAllowed(ctx, action, task));
}

function isAllowed(
  ctx: Pick<Context, "actor" | "config">,
  action: TaskAction,
  { status, type, workflowId }: Pick<Task, "status" | "type" | "workflowId">,
): boolean {
  switch (action) {
    case "cancel":
      return allows("cancel", status);
    case "retry":
      return (
        workflowId === null &&
        (allows("retry", status) || allows("forceRetry", status)) &&
        !typesDeniedTo(ctx).includes(type)
      );
    case "delete":
      return workflowId === null;
  }
}
