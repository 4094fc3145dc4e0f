/** Reads of the rows of a batch. Whose it is the caller has made sure of, by having the batch. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import type { RowEffect, RowError, undoOutcome } from "../schema/batches.ts";
import type { StoredBatch } from "./queries.ts";
import { isWhole, leavesRows } from "./state.ts";
import type { NotReversed, RowStatus } from "./views.ts";

export interface StoredRow {
  readonly row: number;
  readonly fields: string[];
  readonly status: RowStatus;
  readonly attempts: number;
  readonly attempt: number | null;
  readonly firstRow: number | null;
  readonly recordId: string | null;
  readonly effect: RowEffect | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errors: RowError[] | null;
  readonly completedAt: string | null;
  readonly undo: (typeof undoOutcome.enumValues)[number] | null;
  readonly undoReason: string | null;
}

/** What a row without a result is depends on its batch, and while that runs on its chunk. */
export function statusIn(batch: StoredBatch): SQL {
  const open = leavesRows(batch.state)
    ? sql`'unprocessed'`
    : batch.state === "processing"
      ? sql`CASE WHEN chunk.state = 'queued' THEN 'pending' ELSE 'processing' END`
      : sql`'pending'`;
  return sql`CASE WHEN results.undo = 'reversed' THEN 'undone' ELSE coalesce(results.status::text, ${open}) END`;
}

function columnsIn(batch: StoredBatch): SQL {
  return sql`
    rows.row_number AS row, rows.fields, ${statusIn(batch)} AS status, coalesce(results.attempts, 0) AS attempts,
    chunk.attempt, chunk.first_row AS "firstRow", results.record_id AS "recordId", results.effect,
    results.error_code AS "errorCode", results.error_message AS "errorMessage", results.errors,
    results.completed_at AS "completedAt", results.undo, results.undo_reason AS "undoReason"`;
}

/** The chunk that a row is in: of those that begin before it, the last. */
export const chunkOfRow = sql`
  LEFT JOIN LATERAL (
    SELECT first_row, attempt, state FROM rowmill.chunks
    WHERE chunks.batch_id = rows.batch_id AND first_row <= rows.row_number ORDER BY first_row DESC LIMIT 1
  ) AS chunk ON true`;

/** One look-up a row, whatever the planner believes of a table that grew a moment ago: LIMIT keeps it from a merge join. */
const resultOfRow = sql`
  LEFT JOIN LATERAL (
    SELECT * FROM rowmill.row_results
    WHERE row_results.batch_id = rows.batch_id AND row_results.row_number = rows.row_number LIMIT 1
  ) AS results ON true`;

/** Likewise: a merge join would begin with the batch's first row, for each page anew. */
const cellsOfRow = sql`
  JOIN LATERAL (
    SELECT * FROM rowmill.batch_rows
    WHERE batch_rows.batch_id = results.batch_id AND batch_rows.row_number = results.row_number LIMIT 1
  ) AS rows ON true`;

/** The states of the chunks in which rows without a result have this status; empty where none can have it. */
function chunksWithStatus(batch: StoredBatch, wanted: "pending" | "processing" | "unprocessed"): string[] {
  const all = ["queued", "processing", "done"];
  const isRunning = batch.state === "processing";
  const isLeft = leavesRows(batch.state);
  switch (wanted) {
    case "unprocessed":
      return isLeft ? all : [];
    case "processing":
      return isRunning ? all.slice(1) : [];
    case "pending":
      return isRunning ? all.slice(0, 1) : isLeft ? [] : all;
  }
}

/**
 * Where to read rows of a status from, so that a page costs the same wherever they are in the batch: those with a
 * result from `row_results` (failed ones have an index of their own), the others from the chunks that have some.
 */
export function rowsOfStatus(batch: StoredBatch, wanted: RowStatus | null, after: number): SQL {
  switch (wanted) {
    case "success":
    case "failed":
    case "undone": {
      const status = sql.raw(wanted === "failed" ? "'failed'" : "'success'");
      const undo = wanted === "undone" ? sql`= 'reversed'` : sql`IS DISTINCT FROM 'reversed'`;
      return sql`
        rowmill.row_results AS results
        ${cellsOfRow} ${chunkOfRow}
        WHERE results.batch_id = ${batch.id} AND results.status = ${status} AND results.undo ${undo}
          AND results.row_number > ${after}
        ORDER BY results.row_number`;
    }
    case "pending":
    case "processing":
    case "unprocessed":
      return sql`
        rowmill.chunks AS chunk
        JOIN rowmill.batch_rows AS rows ON rows.batch_id = chunk.batch_id AND rows.row_number BETWEEN chunk.first_row AND chunk.last_row
        ${resultOfRow}
        WHERE chunk.batch_id = ${batch.id}
          AND chunk.state = ANY(${sql.param(chunksWithStatus(batch, wanted))}::rowmill.chunk_state[])
          AND chunk.succeeded + chunk.failed < ${isWhole(batch) ? sql`chunk.row_count + 1` : sql`chunk.row_count`}
          AND chunk.last_row > ${after} AND rows.row_number > ${after} AND results.status IS NULL
        ORDER BY chunk.first_row, rows.row_number`;
    case null:
      return sql`
        rowmill.batch_rows AS rows ${resultOfRow} ${chunkOfRow}
        WHERE rows.batch_id = ${batch.id} AND rows.row_number > ${after}
        ORDER BY rows.row_number`;
  }
}

/** Rows whose records were not put back; they have an index of their own. */
function rowsNotReversed({ id }: StoredBatch, undo: NotReversed, after: number): SQL {
  return sql`
    rowmill.row_results AS results ${cellsOfRow} ${chunkOfRow}
    WHERE results.batch_id = ${id} AND results.undo = ${sql.raw(`'${undo}'`)} AND results.row_number > ${after}
    ORDER BY results.row_number`;
}

/** Rows in source order, from the one behind `after` on. The caller has made sure whose batch it is. */
export async function listRows(
  ctx: Context,
  batch: StoredBatch,
  page: { status: RowStatus | null; undo?: NotReversed | undefined; after: number; limit: number },
): Promise<StoredRow[]> {
  const { status, undo, after, limit } = page;
  const found = undo ? rowsNotReversed(batch, undo, after) : rowsOfStatus(batch, status, after);
  const { rows } = await ctx.db.execute<StoredRow & Record<string, unknown>>(
    sql`SELECT ${columnsIn(batch)} FROM ${found} LIMIT ${limit}`,
  );
  return rows;
}

/** @throws DomainError `not_found` */
export async function getRow(ctx: Context, batch: StoredBatch, row: number): Promise<StoredRow> {
  const { rows } = await ctx.db.execute<StoredRow & Record<string, unknown>>(sql`
    SELECT ${columnsIn(batch)} FROM rowmill.batch_rows AS rows ${resultOfRow} ${chunkOfRow}
    WHERE rows.batch_id = ${batch.id} AND rows.row_number = ${row}`);
  if (!rows[0]) throw notFound("row");
  return rows[0];
}

/** One entry of a row's history: a failure that was retried, or cells that were edited. */
export interface StoredRowEvent {
  readonly event: "failed" | "edited";
  readonly at: string;
  /** The user who retried or edited the row. */
  readonly by: string;
  /** The cells before the edit. */
  readonly fields: string[] | null;
  readonly attempts: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

export interface StoredRowDetail extends StoredRow {
  /** Oldest first. */
  readonly events: readonly StoredRowEvent[];
}

/** @throws DomainError `not_found` */
export async function getRowDetail(ctx: Context, batch: StoredBatch, row: number): Promise<StoredRowDetail> {
  const stored = await getRow(ctx, batch, row);
  const { rows } = await ctx.db.execute<StoredRowEvent & Record<string, unknown>>(sql`
    SELECT event, at, username AS by, fields, attempts, error_code AS "errorCode", error_message AS "errorMessage"
    FROM rowmill.row_history JOIN rowmill.users ON users.id = user_id
    WHERE batch_id = ${batch.id} AND row_number = ${row} ORDER BY row_history.id`);
  return { ...stored, events: rows };
}
