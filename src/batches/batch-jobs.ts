import type { Payload } from "../jobs.ts";
import { deterministicJobId, type NewJob } from "../platform/queue.ts";

export type ChunkKey = Payload<"processChunk">;

/** The job for one attempt at a chunk. The same attempt always has the same id, so it can't be enqueued twice. */
export function chunkJob(key: ChunkKey, attempt: number, startAfterSeconds = 0): NewJob {
  return { id: chunkJobId(key, attempt), payload: key, startAfterSeconds };
}

export function chunkJobId({ batchId, firstRow }: ChunkKey, attempt: number): string {
  return deterministicJobId("chunk", batchId, firstRow, attempt);
}

export function finishedJob(batchId: string): NewJob {
  return { id: deterministicJobId("finished", batchId), payload: { batchId } };
}
