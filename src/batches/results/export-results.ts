/** The rows of a batch with what came of them, page by page, as the text of a file. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { maskSecrets } from "../../targets/secrets.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { chunkOfRow, rowsOfStatus, statusIn } from "../row-queries.ts";
import type { RowStatus } from "../views.ts";
import { type ResultFormat, type ResultRow, resultWriter } from "./result-formats.ts";

export const RESULT_FILES = ["success", "failed", "unprocessed", "all"] as const;
export type ResultFile = (typeof RESULT_FILES)[number];

/**
 * Each page is a short query of its own, so that a client that reads for hours holds neither a connection nor a
 * snapshot that keeps vacuum from its work.
 */
const PAGE_ROWS = 4000;
/** Of cells: a page ends early where they are long. */
const PAGE_BYTES = 2 ** 21;

export interface ExportOptions {
  readonly file: ResultFile;
  readonly format: ResultFormat;
  /** Begin a CSV with a byte order mark. */
  readonly withMark: boolean;
}

/**
 * Every row that is in the file at the time it is read, once, in source order.
 * @throws DomainError `conflict` before the first text, where the batch is not all there yet
 */
export async function exportResults(
  ctx: Context,
  batch: StoredBatch,
  { file, format, withMark }: ExportOptions,
): Promise<AsyncGenerator<string>> {
  if (batch.state === "receiving") {
    const message = "The batch is still being received. Its results can be read once its state is `queued`.";
    throw new DomainError("conflict", message);
  }
  const hasExtra = format === "csv" && (await hasExtraCells(ctx, batch));
  const writer = resultWriter(format, { header: batch.header, hasExtra }, { withMark });
  async function* text() {
    yield writer.head;
    for await (const page of resultPages(ctx, batch, file)) yield writer.page(page);
    yield writer.tail;
  }
  return text();
}

async function* resultPages(
  ctx: Context,
  { id, userId, totalRows }: StoredBatch,
  file: ResultFile,
): AsyncGenerator<ResultRow[]> {
  const read = async (after: number): Promise<ResultRow[]> => {
    const batch = await getBatch(ctx, userId, id);
    const page = await readPage(ctx, batch, file, after);
    if (page.length > 0 || file === "unprocessed") return page;
    const next = await nextRow(ctx, batch, file, after + PAGE_ROWS);
    return next === null ? [] : read(next - 1);
  };
  let sent = 0;
  let page = await read(0);
  while (page.length > 0) {
    // The database reads on while this page is written.
    const next = read(page.at(-1)?.row ?? 0);
    // Who stops reading does not wait for it.
    next.catch(() => {});
    sent += page.length;
    yield page;
    page = await next;
  }
  // A file that is cut short must not look whole.
  if (file === "all" && sent !== totalRows)
    throw new Error(`${sent} of ${totalRows} rows of ${id} were there.`);
}

async function readPage(
  ctx: Context,
  batch: StoredBatch,
  file: ResultFile,
  after: number,
): Promise<ResultRow[]> {
  // How many bytes a row has says the row itself: rows beyond the page's bytes stay in the database.
  const { rows } = await ctx.db.execute<{
    row: number;
    cells: string[];
    status: RowStatus;
    errorCode: string | null;
    error: string | null;
    recordId: string | null;
  }>(sql`
    SELECT row, cells, status, "errorCode", error, "recordId"
    FROM (
      SELECT *, sum(bytes) OVER (ORDER BY row ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
      FROM (
        SELECT rows.row_number AS row, rows.fields AS cells, octet_length(rows.fields::text) AS bytes, ${statusIn(batch)} AS status,
          results.error_code AS "errorCode", results.error_message AS error, results.record_id AS "recordId"
        FROM ${rowsOf(batch, file, after)} LIMIT ${PAGE_ROWS}
      ) AS page
    ) AS measured
    WHERE bytes_before < ${PAGE_BYTES} ORDER BY row`);
  return rows.map(({ cells, recordId, ...row }) => ({
    ...row,
    cells: maskSecrets(batch, cells, row.errorCode === "malformed"),
    recordId: recordId === null ? null : Number(recordId),
  }));
}

function rowsOf(batch: StoredBatch, file: ResultFile, after: number): SQL {
  switch (file) {
    case "all":
      return allRows(batch, after);
    case "success":
    case "failed":
      return rowsWithResult(batch, file, after);
    case "unprocessed":
      return rowsOfStatus(batch, file, after);
  }
}

const RESULT = sql`row_number, status, error_code, error_message, record_id, undo`;

/**
 * A page is a range of row numbers, which costs the same whatever the planner believes of tables that grew a moment
 * ago: for the first 4,000 rows behind one it may sort all that are left, for each page anew.
 */
function rangeBehind(id: string, after: number): SQL {
  return sql`batch_id = ${id} AND row_number > ${after} AND row_number <= ${after + PAGE_ROWS}`;
}

/** A look-up a row: a join of the two ranges may compare each row with each result while statistics are old. */
function allRows({ id, state }: StoredBatch, after: number): SQL {
  return sql`
    (SELECT batch_id, row_number, fields FROM rowmill.batch_rows WHERE ${rangeBehind(id, after)}) AS rows
    LEFT JOIN LATERAL (
      SELECT ${RESULT} FROM rowmill.row_results WHERE batch_id = ${id} AND row_number = rows.row_number LIMIT 1
    ) AS results ON true
    ${state === "processing" ? chunkOfRow : sql``}
    ORDER BY rows.row_number`;
}

/** A look-up a row, since there may be few of them. */
function rowsWithResult({ id }: StoredBatch, status: "success" | "failed", after: number): SQL {
  return sql`
    (SELECT ${RESULT} FROM rowmill.row_results WHERE ${rangeBehind(id, after)} AND ${hasStatus(status)}) AS results
    JOIN LATERAL (
      SELECT row_number, fields FROM rowmill.batch_rows WHERE batch_id = ${id} AND row_number = results.row_number LIMIT 1
    ) AS rows ON true
    ORDER BY results.row_number`;
}

function hasStatus(status: "success" | "failed"): SQL {
  return sql`status = ${sql.raw(`'${status}'`)} AND undo IS DISTINCT FROM 'reversed'`;
}

/** The first row of the file behind this one: numbers have gaps where there are blank lines. */
async function nextRow(
  ctx: Context,
  { id }: StoredBatch,
  file: Exclude<ResultFile, "unprocessed">,
  after: number,
): Promise<number | null> {
  const source =
    file === "all" ? sql`rowmill.batch_rows WHERE true` : sql`rowmill.row_results WHERE ${hasStatus(file)}`;
  const { rows } = await ctx.db.execute<{ row: number }>(sql`
    SELECT row_number AS row FROM ${source} AND batch_id = ${id} AND row_number > ${after}
    ORDER BY row_number LIMIT 1`);
  return rows[0]?.row ?? null;
}

async function hasExtraCells(ctx: Context, { id, header, warnings }: StoredBatch): Promise<boolean> {
  if (warnings) return (warnings.extra_fields ?? 0) > 0;
  const { rows } = await ctx.db.execute<{ found: boolean }>(sql`
    SELECT EXISTS (SELECT FROM rowmill.batch_rows WHERE batch_id = ${id} AND json_array_length(fields) > ${header.length}) AS found`);
  return rows[0]?.found ?? false;
}
