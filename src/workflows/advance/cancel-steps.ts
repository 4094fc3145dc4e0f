import { and, eq, inArray, sql } from "drizzle-orm";
import { publishChange, type Tx } from "../../context.ts";
import { tasks } from "../../schema/tasks.ts";
import { workflowSteps, workflows } from "../../schema/workflows.ts";
import { cancelTasks } from "../../tasks/control/cancel-task.ts";
import { WORKFLOW_CHANNEL } from "../../tasks/transitions.ts";
import { wakeTicksAfterWorkflow } from "../../tasks/wake-ticks.ts";
import { dequeueDeadline } from "./deadline.ts";
import { readGraph } from "./graph.ts";
import { countsOf } from "./resolve.ts";

/** Cancels a locked, running workflow with its steps that are not final, and their tasks. Call `settleSteps` before. */
export async function cancelSteps(
  tx: Tx,
  workflow: { readonly id: string; readonly userId: number; readonly run: number },
  reason: string,
): Promise<void> {
  const { id } = workflow;
  const cancelled = await tx.db
    .update(workflowSteps)
    .set({ state: "cancelled", endedAt: sql`statement_timestamp()` })
    .where(and(eq(workflowSteps.workflowId, id), inArray(workflowSteps.state, ["waiting", "queued"])))
    .returning({ taskId: workflowSteps.taskId });
  await tx.db
    .update(workflows)
    .set({
      state: "cancelled",
      cancelReason: reason || null,
      counts: countsOf(await readGraph(tx, id)),
      updatedAt: sql`statement_timestamp()`,
      endedAt: sql`statement_timestamp()`,
    })
    .where(eq(workflows.id, id));
  const taskIds = cancelled.flatMap(({ taskId }) => taskId ?? []);
  if (taskIds.length > 0)
    await cancelTasks(tx, inArray(tasks.id, taskIds), reason || "The workflow was cancelled.");
  await dequeueDeadline(tx, workflow);
  await wakeTicksAfterWorkflow(tx, workflow);
  await publishChange(tx, WORKFLOW_CHANNEL, [id]);
}
