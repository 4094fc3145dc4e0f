/** The states in which the owner of a workflow can change it. */
import type { Context } from "../context.ts";
import type { WorkflowState } from "../schema/workflows.ts";

export const WORKFLOW_ACTIONS = ["cancel", "retry", "delete"] as const;
export type WorkflowAction = (typeof WORKFLOW_ACTIONS)[number];

const ALLOWED_IN: Readonly<Record<WorkflowAction, readonly WorkflowState[]>> = {
  cancel: ["running"],
  retry: ["failed", "cancelled"],
  delete: ["completed", "failed", "cancelled"],
};

export function allows(action: WorkflowAction, state: WorkflowState): boolean {
  return ALLOWED_IN[action].includes(state);
}

/** Operators can cancel the workflows of others. Without a user who acts, these are the actions of the owner. */
export function allowedActions(
  { actor }: Pick<Context, "actor">,
  { userId, state }: { readonly userId: number; readonly state: WorkflowState },
): WorkflowAction[] {
  const isOwner = actor === null || actor.id === userId;
  return WORKFLOW_ACTIONS.filter((action) => (isOwner || action === "cancel") && allows(action, state));
}
