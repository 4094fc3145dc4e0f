import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import { type Announced, afterAnnouncing, announcedExpression } from "../announcements/announce.ts";
import { announcing, ownNotification } from "../announcements/announcing.ts";
import type { Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { type BatchState, batches } from "../schema/batches.ts";
import type { TargetTraits } from "../schema/targets.ts";
import { findBuiltIn } from "../targets/registry.ts";
import { requireRights, traitsOfBatch } from "../targets/rights.ts";
import { isRowTarget } from "../targets/target.ts";
import { batchChanged } from "./batch-changes.ts";
import { storeCausesAtEnd } from "./chunk-causes.ts";
import { type Edge, transitions } from "./state.ts";
import { totalsAtEnd } from "./sums.ts";

export type Batch = typeof batches.$inferSelect;

/**
 * Locks a batch of the user until the commit.
 * @throws DomainError `not_found`, also if the batch belongs to another user; `forbidden` if an API token may not change it
 */
export async function lockBatch(tx: Tx, userId: number, batchId: string): Promise<Batch> {
  const [batch] = await tx.db
    .select()
    .from(batches)
    .where(and(eq(batches.id, batchId), eq(batches.userId, userId)))
    .for("update");
  if (!batch || batch.state === "deleting" || batch.correctionOf !== null) throw notFound("batch");
  requireRights(tx, batch.target, traitsOfBatch(batch));
  return batch;
}

/** Moves a batch along an edge. The caller has locked the batch and checked its state with `requireEdge`. */
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
  if (!changed) throw new Error(`The batch ${batchId} was not locked before the transition "${edge}".`);
  await batchChanged(tx, batchId);
  return changed;
}

/** Whether a command has nothing to do, because the batch is in one of the states that the command leads to. */
export function isAlreadyIn(batch: Pick<Batch, "state">, ...states: readonly BatchState[]): boolean {
  return states.includes(batch.state);
}

/** The SQL for the edge `start`, alone or as a part of a larger statement. It changes only a queued batch. */
export function startBatch({ now }: Pick<Tx, "now">, batchId: string): SQL {
  const { from, to } = transitions.start;
  const startedAt = sql`${now().toISOString()}::timestamptz`;
  return sql`UPDATE rowmill.batches SET state = ${to}, started_at = coalesce(started_at, ${startedAt}) WHERE id = ${batchId} AND state = ${from[0]}`;
}

/**
 * Moves a batch to an ended state, announces this to its owner, and logs it after the commit. The counts of its chunks
 * must be final, and the caller must have locked the batch before: they are summed as they are when this statement begins.
 * @param reason why the batch ended, for people; null: the state says it all
 * @returns false if the state of the batch does not allow the edge; then nothing is changed
 */
export async function endBatch(tx: Tx, batchId: string, edge: Edge, reason: string | null): Promise<boolean> {
  const { from, to } = transitions[edge];
  const { rows } = await tx.db.execute<{
    target: string;
    targetTraits: TargetTraits | null;
    rows: number;
    succeeded: number;
    failed: number;
    seconds: number;
    isFinal: boolean;
    announced: readonly Announced[] | null;
  }>(sql`
    WITH ended AS (
      UPDATE rowmill.batches SET state = ${to}, reason = ${reason}, finished_at = statement_timestamp(), totals = ${totalsAtEnd(batchId, to)}
      WHERE id = ${batchId} AND state = ANY(${sql.param([...from])}::rowmill.batch_state[])
      RETURNING *
    ), counts AS MATERIALIZED (
      SELECT (totals ->> 'succeeded')::int AS written, (totals ->> 'reversed')::int AS reversed, (totals ->> 'failed')::int AS failed FROM ended
    ), announced AS (${announcing(tx, { kind: "batch.finished", events: announcedEnd(tx) })})
    SELECT target, target_traits AS "targetTraits", total_rows AS rows, written AS succeeded, failed,
      extract(epoch FROM finished_at - queued_at)::float AS seconds, totals ->> 'run' IS NOT NULL AS "isFinal",
      ${announcedExpression()} AS announced
    FROM ended, counts`);
  const [ended] = rows;
  if (!ended) return false;
  const { target, targetTraits, announced, isFinal, ...summary } = ended;
  if (isFinal && summary.failed > 0) await storeCausesAtEnd(tx, batchId, summary.failed);
  if (traitsOfBatch({ target, targetTraits }).isRemote) await endWaits(tx, batchId);
  const builtIn = targetTraits === null ? findBuiltIn(target) : undefined;
  if (builtIn && isRowTarget(builtIn)) await builtIn.end?.(tx, batchId);
  await batchChanged(tx, batchId);
  await afterAnnouncing(tx, announced);
  tx.afterCommit.push(() => tx.log.info({ batchId, state: to, ...summary }, "batch finished"));
  return true;
}

/** No row of the batch waits any more (batches/process/send/row-waits.ts). */
export async function endWaits({ db }: Tx, batchId: string): Promise<void> {
  await db.execute(sql`DELETE FROM rowmill.row_waits WHERE batch_id = ${batchId}`);
}

/** Nothing is announced for the upload of a correction: the corrected batch runs again, and its end is announced. */
function announcedEnd(tx: Tx): SQL {
  return sql`
    SELECT ${ownNotification(tx)}, user_id, id::text AS subject_id, run AS sequence, json_build_object('batch_id', id, 'target', target,
      'file_name', left(filename, 255), 'state', state, 'reason', left(reason, 500), 'total', total_rows, 'succeeded', written - reversed,
      'failed', failed, 'unprocessed', total_rows - written - failed) AS data
    FROM ended, counts
    WHERE correction_of IS NULL`;
}
