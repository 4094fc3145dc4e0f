/** The jobs of a batch. The same work always has the same id, so that it can't be enqueued twice. */
import type { Payload } from "../jobs.ts";
import { deterministicJobId } from "../platform/ids.ts";
import type { NewJob } from "../platform/queue/queue.ts";

export type ChunkKey = Payload<"processChunk">;

/** A batch as far as the queue is concerned. */
export interface Lane {
  readonly userId: number;
  readonly totalRows: number;
}

/** Small batches go ahead of large ones: up to so many rows. */
const PRIORITIES = [
  { rows: 1000, priority: 3 },
  { rows: 20_000, priority: 2 },
  { rows: 200_000, priority: 1 },
];

function placeOf({ userId, totalRows }: Lane): Pick<NewJob, "priority" | "group"> {
  const priority = PRIORITIES.find(({ rows }) => totalRows <= rows)?.priority ?? 0;
  return { priority, group: String(userId) };
}

/** The job for one attempt at a chunk. */
export function chunkJob(lane: Lane, key: ChunkKey, attempt: number, startAfterSeconds = 0): NewJob {
  return { id: chunkJobId(key, attempt), payload: key, startAfterSeconds, ...placeOf(lane) };
}

export function chunkJobId({ batchId, firstRow }: ChunkKey, attempt: number): string {
  return deterministicJobId("chunk", batchId, firstRow, attempt);
}

/** What a batch does as one piece in a run: `run` counts how often it was taken up. */
type WholeJob = "whole" | "undo" | "finished";

export function batchJobId(kind: WholeJob, batchId: string, run: number): string {
  return deterministicJobId(kind, batchId, run);
}

export function batchJob(kind: WholeJob, lane: Lane & { id: string; run: number }): NewJob {
  return { id: batchJobId(kind, lane.id, lane.run), payload: { batchId: lane.id }, ...placeOf(lane) };
}
