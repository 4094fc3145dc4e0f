/** Reads of batches and rows. Every one is bound to the user who asks. */
import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { batches, type RowError } from "../schema/batches.ts";
import { uniqueNames } from "../targets/match-header.ts";
import { chunkJobId } from "./batch-jobs.ts";
import { taskIdOf } from "./ids.ts";
import { FINAL_STATES } from "./state.ts";
import type { BatchView, RowStatus, RowView } from "./views.ts";

type StoredBatch = typeof batches.$inferSelect & { succeeded: number; failed: number; processing: number };

/** Sums over a batch's chunks, a few hundred for a million rows. */
const sums = sql`(
  SELECT json_build_object(
    'succeeded', coalesce(sum(succeeded), 0),
    'failed', coalesce(sum(failed), 0),
    'processing', coalesce(sum(row_count - succeeded - failed) FILTER (WHERE state = 'processing'), 0)
  ) FROM chunks WHERE chunks.batch_id = ${batches.id}
)`.mapWith((value: Pick<StoredBatch, "succeeded" | "failed" | "processing">) => value);

async function selectBatches(ctx: Context, where: SQL | undefined, limit: number): Promise<StoredBatch[]> {
  const rows = await ctx.db
    .select({ batch: batches, sums })
    .from(batches)
    .where(where)
    .orderBy(desc(batches.id))
    .limit(limit);
  return rows.map((row) => ({ ...row.batch, ...row.sums }));
}

/** The read that clients poll: a named statement, so that a connection plans it once (0.2 ms instead of 0.6). */
const batchOfUser = (db: Context["db"]) =>
  db
    .select({ batch: batches, sums })
    .from(batches)
    .where(and(eq(batches.id, sql.placeholder("batchId")), eq(batches.userId, sql.placeholder("userId"))))
    .prepare("batch_of_user");

const prepared = new WeakMap<Context["db"], ReturnType<typeof batchOfUser>>();

/** @throws DomainError `not_found`, also where the batch is somebody else's */
export async function getBatch({ db }: Context, userId: number, batchId: string): Promise<StoredBatch> {
  const statement = prepared.get(db) ?? batchOfUser(db);
  prepared.set(db, statement);
  const [found] = await statement.execute({ batchId, userId });
  if (!found) throw notFound("batch");
  return { ...found.batch, ...found.sums };
}

/** Newest first: ids begin with their time. `before` is the last id of the page before. */
export async function listBatches(
  ctx: Context,
  userId: number,
  before: string | null,
  limit: number,
): Promise<StoredBatch[]> {
  const older = before === null ? undefined : lt(batches.id, before);
  return selectBatches(ctx, and(eq(batches.userId, userId), older), limit);
}

export function viewBatch(batch: StoredBatch, now: Date): BatchView {
  const { succeeded, failed, processing, totalRows } = batch;
  const done = succeeded + failed;
  const seconds = batch.startedAt
    ? ((batch.finishedAt ?? now).getTime() - batch.startedAt.getTime()) / 1000
    : 0;
  const rate = done > 0 && seconds > 0 ? done / seconds : null;
  const isFinal = FINAL_STATES.some((state) => state === batch.state);
  return {
    id: batch.id,
    target: batch.target,
    filename: batch.filename,
    state: batch.state,
    counts: {
      total: totalRows,
      pending: totalRows - done - processing,
      processing,
      success: succeeded,
      failed,
    },
    header: batch.header,
    mapping: Object.fromEntries(
      Object.entries(batch.mapping).map(([column, at]) => [column, batch.header[at] ?? ""]),
    ),
    row_delay_ms: batch.rowDelayMs,
    rows_per_second: rate === null ? null : Math.round(rate * 10) / 10,
    seconds_left: isFinal ? 0 : rate === null ? null : Math.round(((totalRows - done) / rate) * 10) / 10,
    created_at: batch.createdAt.toISOString(),
    queued_at: batch.queuedAt?.toISOString() ?? null,
    started_at: batch.startedAt?.toISOString() ?? null,
    finished_at: batch.finishedAt?.toISOString() ?? null,
  };
}

export interface StoredRow {
  readonly row: number;
  readonly fields: string[];
  readonly status: RowStatus;
  readonly attempts: number;
  readonly attempt: number | null;
  readonly firstRow: number | null;
  readonly recordId: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errors: RowError[] | null;
  readonly completedAt: string | null;
}

const status = sql`
  CASE WHEN results.status IS NOT NULL THEN results.status::text
       WHEN chunk.state = 'processing' THEN 'processing' ELSE 'pending' END`;

const columns = sql`
  rows.row_number AS row, rows.fields, ${status} AS status, coalesce(results.attempts, 0) AS attempts,
  chunk.attempt, chunk.first_row AS "firstRow", results.record_id AS "recordId", results.error_code AS "errorCode",
  results.error_message AS "errorMessage", results.errors, results.completed_at AS "completedAt"`;

/** The chunk that a row is in: of those that begin before it, the last. */
const chunkOfRow = sql`
  LEFT JOIN LATERAL (
    SELECT first_row, attempt, state FROM chunks
    WHERE chunks.batch_id = rows.batch_id AND first_row <= rows.row_number ORDER BY first_row DESC LIMIT 1
  ) AS chunk ON true`;

/** One look-up a row, whatever the planner believes of a table that grew a moment ago: LIMIT keeps it from a merge join. */
const resultOfRow = sql`
  LEFT JOIN LATERAL (
    SELECT * FROM row_results
    WHERE row_results.batch_id = rows.batch_id AND row_results.row_number = rows.row_number LIMIT 1
  ) AS results ON true`;

/**
 * Where to read rows of a status from, so that a page costs the same wherever they are in the batch: those with a
 * result from `row_results` (failed ones have an index of their own), the others from the chunks that are not done.
 */
function rowsOfStatus(batchId: string, wanted: RowStatus | null, after: number): SQL {
  switch (wanted) {
    case "success":
    case "failed":
      return sql`
        row_results AS results
        JOIN batch_rows AS rows ON rows.batch_id = results.batch_id AND rows.row_number = results.row_number ${chunkOfRow}
        WHERE results.batch_id = ${batchId} AND results.status = ${sql.raw(`'${wanted}'`)} AND results.row_number > ${after}
        ORDER BY results.row_number`;
    case "pending":
    case "processing":
      return sql`
        chunks AS chunk
        JOIN batch_rows AS rows ON rows.batch_id = chunk.batch_id AND rows.row_number BETWEEN chunk.first_row AND chunk.last_row
        ${resultOfRow}
        WHERE chunk.batch_id = ${batchId} AND chunk.state = ${wanted === "pending" ? "queued" : "processing"}
          AND chunk.last_row > ${after} AND rows.row_number > ${after} AND results.status IS NULL
        ORDER BY chunk.first_row, rows.row_number`;
    case null:
      return sql`
        batch_rows AS rows ${resultOfRow} ${chunkOfRow}
        WHERE rows.batch_id = ${batchId} AND rows.row_number > ${after}
        ORDER BY rows.row_number`;
  }
}

/** Rows in source order, from the one behind `after` on. The caller has made sure whose batch it is. */
export async function listRows(
  ctx: Context,
  batchId: string,
  page: { status: RowStatus | null; after: number; limit: number },
): Promise<StoredRow[]> {
  const { rows } = await ctx.db.execute<StoredRow & Record<string, unknown>>(
    sql`SELECT ${columns} FROM ${rowsOfStatus(batchId, page.status, page.after)} LIMIT ${page.limit}`,
  );
  return rows;
}

/** @throws DomainError `not_found` */
export async function getRow(ctx: Context, batchId: string, row: number): Promise<StoredRow> {
  const { rows } = await ctx.db.execute<StoredRow & Record<string, unknown>>(sql`
    SELECT ${columns} FROM batch_rows AS rows ${resultOfRow} ${chunkOfRow}
    WHERE rows.batch_id = ${batchId} AND rows.row_number = ${row}`);
  if (!rows[0]) throw notFound("row");
  return rows[0];
}

/** The numbers of a batch's first rows, in order. */
export async function firstRowNumbers(ctx: Context, batchId: string, limit: number): Promise<number[]> {
  const { rows } = await ctx.db.execute<{ row: number }>(
    sql`SELECT row_number AS row FROM batch_rows WHERE batch_id = ${batchId} ORDER BY row_number LIMIT ${limit}`,
  );
  return rows.map(({ row }) => row);
}

export function viewRow(batch: StoredBatch, stored: StoredRow): RowView {
  const extra = stored.fields.length - batch.header.length;
  const names =
    extra > 0 ? uniqueNames([...batch.header, ...Array<string>(extra).fill("_extra")]) : batch.header;
  return {
    row: stored.row,
    task_id: taskIdOf(batch.id, stored.row),
    batch_id: batch.id,
    status: stored.status,
    fields: Object.fromEntries(stored.fields.map((cell, at) => [names[at] ?? "", cell])),
    attempts: stored.attempts,
    job_id:
      stored.firstRow === null
        ? null
        : chunkJobId(
            { batchId: batch.id, firstRow: stored.firstRow },
            stored.attempts || (stored.attempt ?? 1),
          ),
    record_id: stored.recordId === null ? null : Number(stored.recordId),
    error_code: stored.errorCode,
    error_message: stored.errorMessage,
    errors: stored.errors ?? [],
    created_at: batch.createdAt.toISOString(),
    completed_at: stored.completedAt === null ? null : new Date(stored.completedAt).toISOString(),
  };
}
