import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { jobs } from "../jobs.ts";
import { batchJob } from "./batch-jobs.ts";
import { notifyBatch } from "./notify-batch.ts";
import { type Edge, transitions } from "./state.ts";

/** Takes an edge to a state in which nothing works on the batch any more, and tells those who wait for that. */
export async function endBatch(
  tx: Context,
  batchId: string,
  edge: Edge,
  reason: string | null,
): Promise<boolean> {
  const { from, to } = transitions[edge];
  const { rows } = await tx.db.execute<{ userId: string; totalRows: number; run: number }>(sql`
    UPDATE batches SET state = ${to}, reason = ${reason}, finished_at = statement_timestamp()
    WHERE id = ${batchId} AND state = ANY(${sql.param([...from])}::batch_state[])
    RETURNING user_id AS "userId", total_rows AS "totalRows", run`);
  const [ended] = rows;
  if (!ended) return false;
  await notifyBatch(tx, batchId);
  await tx.queue.add(tx.db, jobs.batchFinished, [
    batchJob("finished", { ...ended, id: batchId, userId: Number(ended.userId) }),
  ]);
  return true;
}
