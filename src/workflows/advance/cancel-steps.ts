import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { publishChange, type Tx } from "../../context.ts";
import { tasks } from "../../schema/tasks.ts";
import { workflowSteps, workflows } from "../../schema/workflows.ts";
import { cancelTasks } from "../../tasks/control/cancel-task.ts";
import { WORKFLOW_CHANNEL } from "../../tasks/transitions.ts";
import { wakeTicksAfterWorkflow } from "../../tasks/wake-ticks.ts";
import { dequeueDeadline } from "./deadline.ts";
import { readGraph } from "./graph.ts";
import { countsOf } from "./resolve.ts";
import { settleSteps } from "./settle-steps.ts";

/** Cancels a locked, running workflow with its steps that are not final, and their tasks. */
export async function cancelSteps(
  tx: Tx,
  workflow: { readonly id: string; readonly run: number },
  reason: string,
): Promise<void> {
  const { id } = workflow;
  await lockTasks(tx, id);
  await settleSteps(tx, id);
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
  await wakeTicksAfterWorkflow(tx, id);
  await publishChange(tx, WORKFLOW_CHANNEL, [id]);
}

/** A task that ends at this moment must not have a cancelled step: a retry would run the step again. */
async function lockTasks({ db }: Tx, workflowId: string): Promise<void> {
  const queued = db
    .select({ taskId: workflowSteps.taskId })
    .from(workflowSteps)
    .where(and(eq(workflowSteps.workflowId, workflowId), eq(workflowSteps.state, "queued")));
  await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(inArray(tasks.id, queued))
    .orderBy(desc(tasks.number))
    .for("update");
}
