/** Reads rows of a batch. The functions take a `StoredBatch`, so the caller has already checked its owner. */
import { type SQL, sql } from "drizzle-orm";
import type { SelectResultFields } from "drizzle-orm/query-builders/select.types";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, ITEM_BYTES, readOne, readPage } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
import type { RowEffect, RowError, undoOutcome } from "../schema/batches.ts";
import { traitsOfBatch } from "../targets/rights.ts";
import { type Cause, hasCause } from "./cause.ts";
import type { StoredBatch } from "./queries.ts";
import { isWhole, leavesUnprocessed } from "./state.ts";
import type { NotReversed, RowStatus } from "./views.ts";

/** The status of a row. Without a result, it depends on the state of the batch and, while that runs, of the chunk. */
export function statusIn(batch: StoredBatch): SQL {
  const statusWithoutResult = leavesUnprocessed(batch.state)
    ? sql`'unprocessed'`
    : batch.state === "processing"
      ? sql`CASE WHEN chunk.state = 'queued' THEN 'pending' ELSE 'processing' END`
      : sql`'pending'`;
  return sql`CASE WHEN results.undo = 'reversed' THEN 'undone' ELSE coalesce(results.status::text, ${statusWithoutResult}) END`;
}

function columnsIn(batch: StoredBatch) {
  return {
    row: sql<number>`rows.row_number`,
    fields: sql<string[]>`rows.fields`,
    status: sql<RowStatus>`${statusIn(batch)}`,
    attempts: sql<number>`coalesce(results.attempts, 0)`,
    attempt: sql<number | null>`chunk.attempt`,
    firstRow: sql<number | null>`chunk.first_row`,
    recordId: sql<string | null>`results.record_id`,
    recordKey: sql<Record<string, string | null> | null>`results.record_key::json`,
    effect: sql<RowEffect | null>`results.effect`,
    errorCode: sql<string | null>`results.error_code`,
    errorMessage: sql<string | null>`results.error_message`,
    errors: sql<RowError[] | null>`results.errors`,
    completedAt: sql<string | null>`results.completed_at`,
    undo: sql<(typeof undoOutcome.enumValues)[number] | null>`results.undo`,
    undoReason: sql<string | null>`results.undo_reason`,
    wait: sql<Wait | null>`${waitOfRow(batch)}`,
  };
}

interface Wait {
  readonly until: string;
  readonly code: string;
  readonly message: string;
}

/** Only row targets let rows wait, and only while the batch is being processed. */
function waitOfRow(batch: StoredBatch): SQL {
  const { id, state } = batch;
  if (state !== "processing" || !traitsOfBatch(batch).isRemote) return sql`NULL::json`;
  return sql`(
    SELECT json_build_object('until', until, 'code', code, 'message', message) FROM rowmill.row_waits
    WHERE batch_id = ${id} AND row_waits.row_number = rows.row_number AND results.status IS NULL
  )`;
}

export type StoredRow = Readonly<SelectResultFields<ReturnType<typeof columnsIn>>>;

/** The bytes that an answer adds to each row: it names the columns of the file. */
export function nameBytes({ header }: Pick<StoredBatch, "header">): number {
  return header.reduce((sum, name) => sum + Buffer.byteLength(name) + QUOTES, ITEM_BYTES);
}
const QUOTES = '"":"",'.length;

/**
 * Joins the chunk of a row: the last one that begins at or before the row. Each of these joins names the batch as a constant, and not
 * as a column of the row: only then does the planner read the partition of the batch alone.
 */
export const chunkOfRow = (batchId: string): SQL => sql`
  LEFT JOIN LATERAL (
    SELECT first_row, attempt, state FROM rowmill.chunks
    WHERE batch_id = ${batchId} AND first_row <= rows.row_number ORDER BY first_row DESC LIMIT 1
  ) AS chunk ON true`;

/** Joins the rows of a chunk. OFFSET keeps the planner from comparing each row of the batch with each chunk. */
export const rowsOfChunk = (batchId: string): SQL => sql`
  JOIN LATERAL (
    SELECT * FROM rowmill.batch_rows
    WHERE batch_id = ${batchId} AND row_number BETWEEN chunk.first_row AND chunk.last_row ORDER BY row_number OFFSET 0
  ) AS rows ON true`;

/**
 * Joins the result of a row. LIMIT makes this one index look-up per row: without it the planner may choose a merge join,
 * because the statistics of a table that has just grown are old.
 */
export const resultOfRow = (batchId: string): SQL => sql`
  LEFT JOIN LATERAL (
    SELECT * FROM rowmill.row_results WHERE batch_id = ${batchId} AND row_number = rows.row_number LIMIT 1
  ) AS results ON true`;

/** Joins the cells of a result. LIMIT prevents a merge join, which would read the batch from its first row for every page. */
const cellsOfRow = (batchId: string): SQL => sql`
  JOIN LATERAL (
    SELECT * FROM rowmill.batch_rows WHERE batch_id = ${batchId} AND row_number = results.row_number LIMIT 1
  ) AS rows ON true`;

/** The chunk states in which rows without a result have this status. Empty: no row of the batch can have it. */
function chunkStatesWith(status: "pending" | "processing" | "unprocessed", batch: StoredBatch): string[] {
  const all = ["queued", "processing", "done"];
  const isRunning = batch.state === "processing";
  const isUnprocessed = leavesUnprocessed(batch.state);
  switch (status) {
    case "unprocessed":
      return isUnprocessed ? all : [];
    case "processing":
      return isRunning ? ["processing", "done"] : [];
    case "pending":
      return isRunning ? ["queued"] : isUnprocessed ? [] : all;
  }
}

/** The chunks whose counts say nothing about a page of `rowsThatChunksCount`: the one of `after`, and the one that is being undone. */
const UNCERTAIN_CHUNKS = 2;

/**
 * The first rows that succeeded or were undone. They are read from the chunks that count some, until these count a page, so that a
 * page reads few chunks, whatever the planner knows and wherever the rows are. In the chunk of `after`, they may all be before it.
 */
function rowsThatChunksCount(
  { id }: StoredBatch,
  status: "success" | "undone",
  after: number,
  limit: number,
): SQL {
  const [count, isUndone] = {
    success: [sql`succeeded - reversed`, sql`undo IS DISTINCT FROM 'reversed'`] as const,
    undone: [sql`reversed`, sql`undo = 'reversed'`] as const,
  }[status];
  // Undo by an endpoint marks rows before it counts them, in the last chunk that is left. It may have started after the batch was read.
  const isBeingUndone = sql`first_row = coalesce((
    SELECT max(first_row) FROM rowmill.chunks
    WHERE batch_id = ${id} AND NOT is_undone AND (SELECT state FROM rowmill.batches WHERE id = ${id}) = 'undoing'
  ), 0)`;
  return sql`
    (
      SELECT results.* FROM (
        SELECT first_row, last_row, sum(certain) OVER (ORDER BY first_row) - certain AS "before"
        FROM (
          SELECT first_row, last_row, CASE WHEN first_row > ${after} AND NOT (${isBeingUndone}) THEN ${count} ELSE 0 END AS certain
          FROM rowmill.chunks WHERE batch_id = ${id} AND last_row > ${after} AND (${count} > 0 OR ${isBeingUndone})
          ORDER BY first_row LIMIT ${limit + 1 + UNCERTAIN_CHUNKS}
        ) AS counted
      ) AS chunk
      JOIN LATERAL (
        SELECT * FROM rowmill.row_results
        WHERE batch_id = ${id} AND row_number > ${after} AND row_number BETWEEN chunk.first_row AND chunk.last_row
          AND status = 'success' AND ${isUndone}
        ORDER BY row_number LIMIT ${limit + 1}
      ) AS results ON true
      WHERE chunk."before" <= ${limit}
      ORDER BY results.row_number LIMIT ${limit + 1}
    ) AS results`;
}

/** The rows that a page looks at. */
interface RowRange {
  /** Only rows with a higher number. */
  readonly after: number;
  /** The last row that a search looks at. */
  readonly upTo?: number | undefined;
}

/**
 * The FROM, WHERE and ORDER BY for rows of a status. A page costs the same wherever its rows are in the batch: rows with
 * a result are read from `row_results` (failed rows have a partial index), the others from the chunks that have some.
 * @param status null for all rows
 * @param limit the rows of a page; one more is found
 * @param cause only failed rows with this cause
 */
export function rowsOfStatus(
  batch: StoredBatch,
  status: RowStatus | null,
  { after, upTo }: RowRange,
  limit: number,
  cause?: Cause,
): SQL {
  switch (status) {
    case "success":
    case "undone":
      return sql`
        ${rowsThatChunksCount(batch, status, after, limit)}
        ${cellsOfRow(batch.id)} ${chunkOfRow(batch.id)}
        ORDER BY results.row_number`;
    case "failed":
      // The planner knows nothing about the value of this limit. If it expected less than a page, it would read and sort all failed rows.
      return sql`
        (
          SELECT * FROM rowmill.row_results AS results
          WHERE batch_id = ${batch.id} AND status = 'failed' AND row_number > ${after}
            AND ${upTo === undefined ? sql`true` : sql`row_number <= ${upTo}`} AND ${cause ? hasCause(cause) : sql`true`}
          ORDER BY row_number LIMIT (SELECT ${limit + 1}::int)
        ) AS results
        ${cellsOfRow(batch.id)} ${chunkOfRow(batch.id)}
        ORDER BY results.row_number`;
    case "pending":
    case "processing":
    case "unprocessed":
      return sql`
        rowmill.chunks AS chunk
        ${rowsOfChunk(batch.id)} ${resultOfRow(batch.id)}
        WHERE chunk.batch_id = ${batch.id}
          AND chunk.state = ANY(${sql.param(chunkStatesWith(status, batch))}::rowmill.chunk_state[])
          AND chunk.succeeded + chunk.failed < ${isWhole(batch) ? sql`chunk.row_count + 1` : sql`chunk.row_count`}
          AND chunk.last_row > ${after} AND rows.row_number > ${after} AND results.status IS NULL
        ORDER BY chunk.first_row, rows.row_number`;
    case null:
      return sql`
        (
          SELECT * FROM rowmill.batch_rows WHERE batch_id = ${batch.id} AND row_number > ${after}
          ORDER BY row_number LIMIT ${limit + 1}
        ) AS rows ${resultOfRow(batch.id)} ${chunkOfRow(batch.id)}
        ORDER BY rows.row_number`;
  }
}

/** Rows whose records were not reverted; they have a partial index. */
function rowsNotReversed({ id }: StoredBatch, undo: NotReversed, after: number, limit: number): SQL {
  return sql`
    (
      SELECT * FROM rowmill.row_results WHERE batch_id = ${id} AND undo = ${sql.raw(`'${undo}'`)} AND row_number > ${after}
      ORDER BY row_number LIMIT ${limit + 1}
    ) AS results ${cellsOfRow(id)} ${chunkOfRow(id)}
    ORDER BY results.row_number`;
}

export interface RowPage {
  /** null for all rows. */
  readonly status: RowStatus | null;
  readonly undo?: NotReversed | undefined;
  /** With status `failed`. */
  readonly cause?: Cause | undefined;
  readonly after: number;
  readonly limit: number;
  /** Whether the answer names the columns of the cells; true unless set. */
  readonly isNamed?: boolean;
}

/** Lists rows with a higher row number than `after`, in the order of the file. */
export async function listRows(
  ctx: Context,
  batch: StoredBatch,
  { status, undo, cause, after, limit, isNamed = true }: RowPage,
): Promise<Found<StoredRow>> {
  const read = (from: SQL) =>
    readPage(ctx, {
      fields: columnsIn(batch),
      from,
      order: sql`"row"`,
      limit,
      addedBytes: isNamed ? nameBytes(batch) : ITEM_BYTES,
    });
  if (undo) return read(rowsNotReversed(batch, undo, after, limit));
  if (!cause) return read(rowsOfStatus(batch, status, { after }, limit));
  return searchList(ctx.db, {
    list: (count) => sql`
      SELECT row_number, completed_at AS created_at, errors FROM rowmill.row_results
      WHERE batch_id = ${batch.id} AND status = 'failed' AND row_number > ${after} ORDER BY row_number LIMIT ${count}`,
    key: "row_number",
    isAscending: true,
    texts: [],
    // As stored: the size of the text would read it.
    bytes: sql`coalesce(pg_column_size(errors), 0)`,
    read: (last) =>
      read(
        rowsOfStatus(batch, status, { after, upTo: last === null ? undefined : Number(last) }, limit, cause),
      ),
  });
}

/** @throws DomainError `not_found` */
export async function getRow(ctx: Context, batch: StoredBatch, row: number): Promise<StoredRow> {
  const from = sql`
    rowmill.batch_rows AS rows ${resultOfRow(batch.id)} ${chunkOfRow(batch.id)}
    WHERE rows.batch_id = ${batch.id} AND rows.row_number = ${row}`;
  const found = await readOne(ctx, { fields: columnsIn(batch), from, addedBytes: nameBytes(batch) });
  if (!found) throw notFound("row");
  return found;
}

/** @throws DomainError `not_found` if the batch has no such row */
export async function requireRow(ctx: Context, { id }: Pick<StoredBatch, "id">, row: number): Promise<void> {
  const { rows } = await ctx.db.execute(
    sql`SELECT FROM rowmill.batch_rows WHERE batch_id = ${id} AND row_number = ${row}`,
  );
  if (rows.length === 0) throw notFound("row");
}
