import { and, eq, inArray, sql } from "drizzle-orm";
import { requireRoom } from "../../accounts/quotas.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { workflowSteps, workflows } from "../../schema/workflows.ts";
import type { Owner } from "../../tasks/transitions.ts";
import { advanceWorkflow } from "../advance/advance-workflow.ts";
import { enqueueDeadline } from "../advance/deadline.ts";
import { readGraph } from "../advance/graph.ts";
import { getWorkflow, lockWorkflow, type Workflow } from "../queries.ts";
import { allows } from "../state.ts";
import { stepsToRetry } from "./steps-to-retry.ts";

/**
 * Runs a workflow again from the steps that failed. Other steps keep their results.
 * @throws DomainError `not_found`; `conflict` if the workflow is running or has completed; QuotaExceeded
 */
export function retryWorkflow(ctx: Context, ownerId: Owner, id: string): Promise<Workflow> {
  return inTransaction(ctx, async (tx) => {
    const workflow = await lockWorkflow(tx, ownerId, id);
    if (!allows("retry", workflow.state)) {
      const is = workflow.state === "running" ? "is" : "has";
      const message = `A workflow that ${is} ${workflow.state} cannot be retried. Only a failed or cancelled workflow can.`;
      throw new DomainError("conflict", message);
    }
    const positions = stepsToRetry(await readGraph(tx, id));
    await requireRoom(tx, workflow.userId, { tasks: positions.length, open_tasks: positions.length });
    await resetSteps(tx, id, positions);
    const { userId, timeoutSeconds } = workflow;
    const run = workflow.run + 1;
    await tx.db
      .update(workflows)
      .set({
        state: "running",
        run,
        cancelReason: null,
        endedAt: null,
        deadlineAt: sql`now() + make_interval(secs => ${timeoutSeconds})`,
      })
      .where(eq(workflows.id, id));
    await enqueueDeadline(tx, { id, userId, run, timeoutSeconds });
    await advanceWorkflow(tx, id);
    return getWorkflow(tx, null, id);
  });
}

/** `attempt` goes on, and earlier tasks stay in the history of the step. */
async function resetSteps(tx: Tx, id: string, positions: readonly number[]): Promise<void> {
  const cleared = { taskId: null, result: null, resultBytes: null, errorCode: null, errorMessage: null };
  await tx.db
    .update(workflowSteps)
    .set({ ...cleared, state: "waiting", cause: null, endedAt: null })
    .where(and(eq(workflowSteps.workflowId, id), inArray(workflowSteps.position, [...positions])));
}
