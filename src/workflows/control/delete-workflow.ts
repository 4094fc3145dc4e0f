import { eq } from "drizzle-orm";
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction, publishChange, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { tasks } from "../../schema/tasks.ts";
import { workflows } from "../../schema/workflows.ts";
import { deleteTasks } from "../../tasks/control/delete-task.ts";
import { type Owner, WORKFLOW_CHANNEL } from "../../tasks/transitions.ts";
import { lockWorkflow } from "../queries.ts";
import { allows } from "../state.ts";

/**
 * Deletes a workflow that has ended, with its tasks, their history and the files that they created.
 * @throws DomainError `not_found`; `conflict` if the workflow is running
 */
export function deleteWorkflow(ctx: Context, ownerId: Owner, id: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const { state, userId, name } = await lockWorkflow(tx, ownerId, id);
    if (!allows("delete", state))
      throw new DomainError("conflict", "A running workflow cannot be deleted. Cancel it first.");
    await removeWorkflow(tx, id);
    await recordOwn(tx, {
      action: "workflow.deleted",
      subject: { type: "workflow", id },
      ownerId: userId,
      details: { name },
    });
  });
}

/** Deletes a locked workflow that has ended. */
export async function removeWorkflow(tx: Tx, id: string): Promise<void> {
  await deleteTasks(tx, eq(tasks.workflowId, id));
  await tx.db.delete(workflows).where(eq(workflows.id, id));
  await publishChange(tx, WORKFLOW_CHANNEL, [id]);
}
