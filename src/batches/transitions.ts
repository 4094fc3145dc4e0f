import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { jobs } from "../jobs.ts";
import { type BatchState, batches } from "../schema/batches.ts";
import { batchChanged } from "./batch-changes.ts";
import { batchJob } from "./batch-jobs.ts";
import { type Edge, transitions } from "./state.ts";

export type Batch = typeof batches.$inferSelect;

/** A batch of this user's, locked until the commit. @throws DomainError `not_found` */
export async function lockBatch(tx: Tx, userId: number, batchId: string): Promise<Batch> {
  const [batch] = await tx.db
    .select()
    .from(batches)
    .where(and(eq(batches.id, batchId), eq(batches.userId, userId)))
    .for("update");
  if (!batch || batch.state === "deleting" || batch.correctionOf !== null) throw notFound("batch");
  return batch;
}

/** Takes an edge of a batch that is locked. */
export async function transition(
  tx: Tx,
  batchId: string,
  edge: Edge,
  changes: Partial<Omit<Batch, "key" | "state">> = {},
): Promise<Batch> {
  const { from, to } = transitions[edge];
  const [changed] = await tx.db
    .update(batches)
    .set({ ...changes, state: to })
    .where(and(eq(batches.id, batchId), inArray(batches.state, [...from])))
    .returning();
  if (!changed) throw new Error(`The batch ${batchId} was not locked.`);
  await batchChanged(tx, batchId);
  return changed;
}

/** Whether the batch is where a command leads already, so that asking again changes nothing. */
export function isAlreadyIn(batch: Pick<Batch, "state">, ...states: readonly BatchState[]): boolean {
  return states.includes(batch.state);
}

/** Takes the edge `start`, where the batch has not begun: a statement by itself, or a part of a larger one. */
export function startBatch(batchId: string): SQL {
  const { from, to } = transitions.start;
  return sql`UPDATE rowmill.batches SET state = ${to}, started_at = coalesce(started_at, statement_timestamp()) WHERE id = ${batchId} AND state = ${from[0]}`;
}

/** Takes an edge to a state in which nothing works on the batch any more, and tells those who wait for that. */
export async function endBatch(tx: Tx, batchId: string, edge: Edge, reason: string | null): Promise<boolean> {
  const { from, to } = transitions[edge];
  const { rows } = await tx.db.execute<{ userId: string; totalRows: number; run: number }>(sql`
    UPDATE rowmill.batches SET state = ${to}, reason = ${reason}, finished_at = statement_timestamp()
    WHERE id = ${batchId} AND state = ANY(${sql.param([...from])}::rowmill.batch_state[])
    RETURNING user_id AS "userId", total_rows AS "totalRows", run`);
  const [ended] = rows;
  if (!ended) return false;
  await batchChanged(tx, batchId);
  await tx.queue.add(tx.db, jobs.batchFinished, [
    batchJob("finished", { ...ended, id: batchId, userId: Number(ended.userId) }),
  ]);
  return true;
}
