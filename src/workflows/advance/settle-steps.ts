import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { MAX_RESULT_BYTES } from "../limits.ts";

const MAX_MESSAGE = 2000;

/**
 * Records the outcome of each queued step whose task has ended or does not exist any more. Results move within the
 * database: a thousand of them could be long.
 */
export async function settleSteps(tx: Tx, workflowId: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.workflow_steps AS step
    SET state = CASE WHEN ended.status = 'completed' THEN 'completed' ELSE 'failed' END::rowmill.workflow_step_state,
      result = CASE WHEN bytes <= ${MAX_RESULT_BYTES} THEN ended.result END,
      result_bytes = bytes,
      error_code = CASE ended.status WHEN 'completed' THEN NULL WHEN 'failed' THEN ended.error_code
        WHEN 'cancelled' THEN 'cancelled' ELSE 'task_deleted' END,
      error_message = left(CASE ended.status WHEN 'completed' THEN NULL WHEN 'failed' THEN ended.error_message
        WHEN 'cancelled' THEN 'The task was cancelled.' || coalesce(' ' || ended.cancel_reason, '')
        ELSE 'The task was deleted.' END, ${MAX_MESSAGE}),
      ended_at = statement_timestamp()
    FROM (
      SELECT queued.position, tasks.status::text AS status, tasks.error_code, tasks.error_message, tasks.cancel_reason,
        CASE WHEN tasks.status = 'completed' THEN tasks.result END AS result,
        CASE WHEN tasks.status = 'completed' THEN octet_length(tasks.result::text) END AS bytes
      FROM rowmill.workflow_steps AS queued LEFT JOIN rowmill.tasks ON tasks.id = queued.task_id
      WHERE queued.workflow_id = ${workflowId} AND queued.state = 'queued'
        AND (tasks.id IS NULL OR tasks.status IN ('completed', 'failed', 'cancelled'))
    ) AS ended
    WHERE step.workflow_id = ${workflowId} AND step.position = ended.position AND step.state = 'queued'`);
}

/** Whether no step waits for the end of this task any more. */
export async function isSettled({ db }: Pick<Tx, "db">, taskId: string): Promise<boolean> {
  const { rows } = await db.execute(
    sql`SELECT FROM rowmill.workflow_steps WHERE task_id = ${taskId} AND state = 'queued' LIMIT 1`,
  );
  return rows.length === 0;
}
