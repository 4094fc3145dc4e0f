/** The jobs of a batch. Their ids are derived from the work, so that the same work cannot be enqueued twice. */
import type { Payload } from "../jobs.ts";
import { deterministicJobId } from "../platform/ids.ts";
import type { NewJob } from "../platform/queue/add-jobs.ts";

/** The payload of the job of a chunk, with how far its attempt has come. */
export type ChunkWork = Payload<"processChunk">;

export type ChunkKey = Pick<ChunkWork, "batchId" | "firstRow">;

/** The facts about a batch that decide the priority and the group of its jobs. */
export interface QueuedBatch {
  readonly userId: number;
  readonly totalRows: number;
}

/** Small batches go ahead of large ones. */
const PRIORITIES = [
  { maxRows: 1000, priority: 3 },
  { maxRows: 20_000, priority: 2 },
  { maxRows: 200_000, priority: 1 },
];

function queueingOf({ userId, totalRows }: QueuedBatch): Pick<NewJob, "priority" | "group"> {
  const priority = PRIORITIES.find(({ maxRows }) => totalRows <= maxRows)?.priority ?? 0;
  return { priority, group: String(userId) };
}

/** The job for one attempt at a chunk. */
export function chunkJob(
  batch: QueuedBatch,
  work: ChunkWork,
  attempt: number,
  startAfterSeconds = 0,
): NewJob {
  return { id: chunkJobId(work, attempt), payload: work, startAfterSeconds, ...queueingOf(batch) };
}

/** The same for each delivery of an attempt, so that an attempt is enqueued once. */
export function chunkJobId({ batchId, firstRow }: ChunkKey, attempt: number): string {
  return deterministicJobId("chunk", batchId, firstRow, attempt);
}

/** The jobs that concern a batch as a whole: each exists at most once per run. */
type BatchJobKind = "whole" | "undo";

export function batchJobId(kind: BatchJobKind, batchId: string, run: number): string {
  return deterministicJobId(kind, batchId, run);
}

/** The job for a run of a batch as a whole. */
export function batchJob(kind: BatchJobKind, batch: QueuedBatch & { id: string; run: number }): NewJob {
  return { id: batchJobId(kind, batch.id, batch.run), payload: { batchId: batch.id }, ...queueingOf(batch) };
}
