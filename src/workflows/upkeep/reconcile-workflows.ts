import { sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { advanceWorkflow } from "../advance/advance-workflow.ts";

/** The end of a task and its job commit together, so a job that has not run after this time is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 100;

/**
 * Runs every minute: advances the workflows whose job was lost, and cancels those whose deadline has passed.
 * @returns the number of workflows that it advanced
 */
export async function reconcileWorkflows(ctx: Context): Promise<number> {
  let advanced = 0;
  for (let after = 0; ; ) {
    const page = await findStuck(ctx, after);
    for (const { id } of page) {
      try {
        await inTransaction(ctx, (tx) => advanceWorkflow(tx, id));
        ctx.log.warn({ workflowId: id }, "workflow advanced: its job was lost, or its deadline has passed");
        advanced++;
      } catch (error) {
        // The others must not wait for this one.
        ctx.log.error(
          { err: error, workflowId: id },
          "could not advance a workflow; trying again in a minute",
        );
      }
    }
    const last = page.at(-1);
    if (!last) return advanced;
    after = Number(last.number);
  }
}

/**
 * A running workflow without a queued step has nothing that would wake it. EXISTS would let the planner read the steps of all
 * workflows.
 */
async function findStuck({ db }: Context, after: number) {
  const { rows } = await db.execute<{ id: string; number: string }>(sql`
    SELECT id, number FROM rowmill.workflows AS workflow
    WHERE state = 'running' AND number > ${after} AND (
      deadline_at <= statement_timestamp()
      OR (SELECT position FROM rowmill.workflow_steps WHERE workflow_id = workflow.id AND state = 'queued' LIMIT 1) IS NULL
      OR (
        SELECT position FROM rowmill.workflow_steps AS step LEFT JOIN rowmill.tasks ON tasks.id = step.task_id
        WHERE step.workflow_id = workflow.id AND step.state = 'queued' AND (tasks.id IS NULL
          OR coalesce(tasks.completed_at, tasks.cancelled_at) < statement_timestamp() - make_interval(secs => ${LOST_JOB_SECONDS}))
        LIMIT 1
      ) IS NOT NULL)
    ORDER BY number LIMIT ${PAGE}`);
  return rows;
}
