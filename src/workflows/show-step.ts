import type { Context } from "../context.ts";
import { getStep, listAttempts, nameOfStep } from "./queries.ts";
import { viewWorkflowStep, type WorkflowStepView } from "./step-views.ts";

/** @throws DomainError `not_found` */
export async function showStep(ctx: Context, workflowId: string, name: string): Promise<WorkflowStepView> {
  const step = await getStep(ctx, workflowId, name);
  const cause = step.cause === null ? null : await nameOfStep(ctx, workflowId, step.cause);
  return viewWorkflowStep(step, await listAttempts(ctx, step), cause);
}
