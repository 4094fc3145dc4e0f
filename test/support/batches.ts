/** Steps of tests of batches: deliver a chunk as a worker does, hold its write open, send commands. */
import { randomUUID } from "node:crypto";
import type { ChunkWork } from "../../src/batches/batch-jobs.ts";
import { processChunk } from "../../src/batches/process/process-chunk.ts";
import { processWhole } from "../../src/batches/process/process-whole.ts";
import { reverseRows } from "../../src/batches/undo/reverse-rows.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { type Context, inTransaction } from "../../src/context.ts";
import type { Delivery } from "../../src/platform/queue/delivery.ts";
import type { Answer, Client, Problem } from "./client.ts";
import { until } from "./until.ts";

/** The first delivery of a job with this payload. */
export function delivery(payload: object): Delivery {
  return { id: randomUUID(), payload, attempt: 1, signal: new AbortController().signal };
}

/**
 * Delivers the chunk that begins at `firstRow`, as a worker does.
 * @param work of a delivery that continues an earlier one
 */
export function deliverChunk(
  ctx: Context,
  batchId: string,
  firstRow = 2,
  work: ChunkWork = { batchId, firstRow },
): Promise<object | undefined> {
  return inTransaction(ctx, (tx) => processChunk(ctx, tx, work, delivery(work)));
}

/** Delivers the one job of an atomic batch or a dry run. */
export function deliverWhole(ctx: Context, batchId: string): Promise<object | undefined> {
  return inTransaction(ctx, (tx) => processWhole(ctx, tx, { batchId }, delivery({ batchId })));
}

/**
 * Delivers the job that undoes a batch.
 * @param progress of a delivery that continues an earlier one
 * @param signal aborts when the worker stops
 */
export function deliverUndo(
  ctx: Context,
  batchId: string,
  progress: object = {},
  signal?: AbortSignal,
): Promise<object | undefined> {
  const own = delivery({ batchId, progress });
  return reverseRows(ctx, batchId, signal ? { ...own, signal } : own, progress);
}

/** Sends a command that must be accepted. @returns the batch as the answer shows it */
export async function command(
  user: Client,
  batchId: string,
  name: string,
  body?: object,
): Promise<BatchView> {
  const answer = await user.post<BatchView>(`/api/v1/batches/${batchId}/${name}`, body);
  if (answer.status >= 300)
    throw new Error(`${name} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Sends a command that must be refused. */
export function refused(
  user: Client,
  batchId: string,
  name: string,
  body?: object,
): Promise<Answer<Problem>> {
  return user.post<Problem>(`/api/v1/batches/${batchId}/${name}`, body);
}

/** The batch once it is as `isSo` says. */
export function untilBatch(
  user: Client,
  batchId: string,
  what: string,
  isSo: (batch: BatchView) => boolean,
  timeoutMs?: number,
): Promise<BatchView> {
  const probe = async () => {
    const { body } = await user.batch(batchId);
    return isSo(body) ? body : null;
  };
  return until(`the batch ${what}`, probe, timeoutMs);
}

/** All the counts of a batch but its total: those named, and no row in any other. */
export const counts = (own: object) => ({
  pending: 0,
  processing: 0,
  success: 0,
  failed: 0,
  unprocessed: 0,
  undone: 0,
  ...own,
});
