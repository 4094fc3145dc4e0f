/** The job that cancels a workflow at its deadline. The reconciler does the same if the job is lost. */
import type { Tx } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { deterministicJobId } from "../../platform/ids.ts";

interface Run {
  readonly id: string;
  readonly run: number;
}

const jobIdOf = ({ id, run }: Run) => deterministicJobId("workflow-deadline", id, run);

/** Creates the job of the deadline, for a run that begins. */
export async function enqueueDeadline(
  tx: Tx,
  workflow: Run & { readonly userId: number; readonly timeoutSeconds: number },
): Promise<void> {
  const { id, userId, timeoutSeconds } = workflow;
  await tx.queue.add(tx.db, jobs.advanceWorkflow, [
    {
      id: jobIdOf(workflow),
      payload: { workflowId: id },
      group: String(userId),
      startAfterSeconds: timeoutSeconds,
    },
  ]);
}

/** Removes the job of the deadline, for a run that has ended before. */
export async function dequeueDeadline(tx: Tx, workflow: Run): Promise<void> {
  await tx.queue.remove(tx.db, jobs.advanceWorkflow, [jobIdOf(workflow)]);
}
