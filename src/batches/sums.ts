/**
 * The sums over the chunks of a batch. Each end of a batch keeps them, with the number of the run that has ended. Later reads take them
 * instead of the chunks, as long as the batch has that run.
 *
 * Nobody has to remove them, so programs of 0.12.0 may change batches as well: chunks of a batch that has ended change only together with
 * the next run. Outcomes that come late are the exception (`ACCEPT_LATE`), and such ends keep no sums.
 */
import { type Placeholder, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { Totals } from "../schema/batch-totals.ts";
import { type BatchState, batches } from "../schema/batches.ts";
import { rowTargetNames } from "../targets/registry.ts";
import { ACCEPT_LATE } from "./state.ts";

/** Sums over a batch's chunks. */
export interface Sums extends Omit<Totals, "run"> {
  readonly processing: number;
  /** Rows that wait because a service cannot take them now; null: none. */
  readonly waiting: { readonly rows: number; readonly until: string; readonly message: string } | null;
}

/** The sums of a batch whose rows wait for their first attempt. */
export const NO_SUMS: Sums = {
  succeeded: 0,
  failed: 0,
  processing: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  reversed: 0,
  kept: 0,
  undoFailed: 0,
  waiting: null,
};

const COUNTS = sql`
  'succeeded', coalesce(sum(succeeded), 0), 'failed', coalesce(sum(failed), 0), 'created', coalesce(sum(created), 0),
  'updated', coalesce(sum(updated), 0), 'unchanged', coalesce(sum(unchanged), 0), 'reversed', coalesce(sum(reversed), 0),
  'kept', coalesce(sum(kept), 0), 'undoFailed', coalesce(sum(undo_failed), 0)`;

/** The sums as one statement about a batch reads them: those of its end, which lack what only a running batch has, or else of its chunks. */
export type ReadSums = Omit<Sums, "processing" | "waiting"> & Partial<Sums>;

/**
 * Reads the sums of a row of `batches`. The subquery runs only if the batch has no sums of its own.
 * @param id of the batch. For one batch, a constant: if it is the column, Citus asks all shards, which takes 20 ms instead of 1 ms
 */
export const sumsOf = (id: Placeholder | SQLWrapper | string): SQL<ReadSums> => sql`
  CASE WHEN (${batches.totals} ->> 'run')::int = ${batches.run} THEN ${batches.totals} ELSE (
    SELECT json_build_object(
      ${COUNTS},
      'processing', coalesce(sum(row_count - succeeded - failed) FILTER (WHERE state = 'processing'), 0),
      'waiting', CASE WHEN sum(waiting) FILTER (WHERE state = 'queued') > 0 THEN json_build_object(
        'rows', sum(waiting) FILTER (WHERE state = 'queued'),
        'until', min(due_at) FILTER (WHERE state = 'queued' AND waiting > 0),
        'message', (SELECT message FROM rowmill.row_waits WHERE batch_id = ${id} ORDER BY row_number LIMIT 1)
      ) END
    ) FROM rowmill.chunks WHERE chunks.batch_id = ${id}
  ) END`;

/** Adds the sums to what was read of a batch. */
export function withSums<Batch>(batch: Batch, sums: ReadSums): Batch & Sums {
  return { ...batch, ...NO_SUMS, ...sums };
}

/** Sums the chunks, in the UPDATE of the batch that ends it with this state. */
export function totalsAtEnd(batchId: string, state: BatchState): SQL {
  const isRemote = sql`(target = ANY(${sql.param([...rowTargetNames])}) OR (target_traits ->> 'isRemote')::boolean)`;
  const run = ACCEPT_LATE.some((late) => late === state)
    ? sql`CASE WHEN ${isRemote} THEN NULL ELSE batches.run END`
    : sql`batches.run`;
  return sql`(SELECT json_build_object('run', ${run}, ${COUNTS}) FROM rowmill.chunks WHERE batch_id = ${batchId})`;
}
