import { and, eq, inArray } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { type BatchState, batches } from "../schema/batches.ts";
import { notifyBatch } from "./notify-batch.ts";
import { type Edge, transitions } from "./state.ts";

export type Batch = typeof batches.$inferSelect;

/** A batch of this user's, locked until the commit. @throws DomainError `not_found` */
export async function lockBatch(tx: Context, userId: number, batchId: string): Promise<Batch> {
  const [batch] = await tx.db
    .select()
    .from(batches)
    .where(and(eq(batches.id, batchId), eq(batches.userId, userId)))
    .for("update");
  if (!batch || batch.state === "deleting" || batch.correctionOf !== null) throw notFound("batch");
  return batch;
}

/** @throws DomainError `conflict` that says which states allow it */
export function requireEdge(batch: Pick<Batch, "state">, edge: Edge, action: string): void {
  const { from } = transitions[edge];
  if (from.some((state) => state === batch.state)) return;
  throw new DomainError(
    "conflict",
    `A batch that is ${batch.state} can't be ${action}; one that is ${from.join(" or ")} can.`,
  );
}

/** Takes an edge of a batch that is locked. */
export async function takeEdge(
  tx: Context,
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
  await notifyBatch(tx, batchId);
  return changed;
}

/** Whether the batch is where a command leads already, so that asking again changes nothing. */
export function isThere(batch: Pick<Batch, "state">, ...states: readonly BatchState[]): boolean {
  return states.includes(batch.state);
}
