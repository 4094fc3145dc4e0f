import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import type { Owner } from "../../tasks/transitions.ts";
import { cancelSteps } from "../advance/cancel-steps.ts";
import { getWorkflow, lockWorkflow, type Workflow } from "../queries.ts";
import { allows } from "../state.ts";

/**
 * Cancels a running workflow with all its steps and tasks that have not ended. Does nothing if it is already cancelled.
 * @throws DomainError `not_found`; `conflict` if the workflow has ended; `invalid_input` if PostgreSQL cannot store the reason
 */
export function cancelWorkflow(ctx: Context, ownerId: Owner, id: string, reason = ""): Promise<Workflow> {
  requireStorable(reason, "reason");
  return inTransaction(ctx, async (tx) => {
    const workflow = await lockWorkflow(tx, ownerId, id);
    if (workflow.state === "cancelled") return workflow;
    if (!allows("cancel", workflow.state)) {
      throw new DomainError(
        "conflict",
        `A workflow that has ${workflow.state} cannot be cancelled. Only a running workflow can.`,
      );
    }
    await cancelSteps(tx, workflow, reason);
    if (tx.actor && tx.actor.id !== workflow.userId) {
      await recordAudit(tx, {
        action: "workflow.cancelled",
        subject: { type: "workflow", id },
        ownerId: workflow.userId,
        details: { name: workflow.name, reason },
      });
    }
    return getWorkflow(tx, null, id);
  });
}
