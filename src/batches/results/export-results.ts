/** Exports the rows of a batch and their results as a file. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { DOWNLOAD_PAGE_BYTES, RELEASE } from "../../platform/http/bounded-answers.ts";
import { type Found, readPage } from "../../platform/postgres/read-page.ts";
import { maskSecrets } from "../../targets/secrets.ts";
import { getState, type StoredBatch } from "../queries.ts";
import { chunkOfRow, nameBytes, rowsOfStatus, statusIn } from "../row-queries.ts";
import type { RowStatus } from "../views.ts";
import { type ResultFormat, type ResultRow, resultWriter } from "./result-formats.ts";

export const RESULT_FILES = ["success", "failed", "unprocessed", "all"] as const;
export type ResultFile = (typeof RESULT_FILES)[number];

/** Each page is one short query, so a slow client holds neither a connection nor a snapshot that would block vacuum. */
const PAGE_ROWS = 4000;
/** The database measures every row of a range, so a range should not be much longer than the page that it fills. */
const RANGE_OF_PAGE = 1.1;
/** The result columns of a row in a CSV. */
const RESULT_BYTES = 50;

export interface ExportOptions {
  readonly file: ResultFile;
  readonly format: ResultFormat;
  /** Whether a CSV begins with a byte order mark. */
  readonly withBom: boolean;
}

/**
 * Yields the text of the file, with rows in the order of the upload. Each page reflects the time at which it is read.
 * @throws DomainError `conflict` if the batch is still being received
 */
export async function exportResults(
  ctx: Context,
  batch: StoredBatch,
  { file, format, withBom }: ExportOptions,
): Promise<AsyncGenerator<string>> {
  if (batch.state === "receiving") {
    const message = "The batch is still being received. Download its results when its state is `queued`.";
    throw new DomainError("conflict", message);
  }
  const hasExtra = format === "csv" && (await hasExtraCells(ctx, batch));
  const writer = resultWriter(format, { header: batch.header, hasExtra }, { withBom });
  async function* text() {
    yield writer.head;
    for await (const page of resultPages(ctx, batch, file, format)) {
      yield writer.page(page);
      // While the next page waits for memory, nothing may refer to the rows and the text of this one.
      page.length = 0;
      yield RELEASE;
    }
    yield writer.tail;
  }
  return text();
}

async function* resultPages(
  ctx: Context,
  uploaded: StoredBatch,
  file: ResultFile,
  format: ResultFormat,
): AsyncGenerator<ResultRow[]> {
  const { id, totalRows } = uploaded;
  let rows = PAGE_ROWS;
  const read = async (after: number): Promise<ResultRow[]> => {
    const batch = { ...uploaded, state: await getState(ctx, id) };
    const range = { after, rows };
    const { items: page, hasMore } = await readRows(ctx, batch, file, format, range);
    rows = Math.min(PAGE_ROWS, Math.ceil(hasMore ? page.length * RANGE_OF_PAGE : rows * 2));
    if (page.length > 0 || file === "unprocessed") return page;
    const next = await nextRow(ctx, batch, file, after + range.rows);
    return next === null ? [] : read(next - 1);
  };
  let sent = 0;
  let page = await read(0);
  while (page.length > 0) {
    const last = page.at(-1)?.row ?? 0;
    // The database reads on while this page is written, unless its rows are long.
    const next = page.length > 1 ? read(last) : null;
    // A client that disconnects leaves `next` without a reader, and its failure unhandled.
    next?.catch(() => {});
    sent += page.length;
    yield page;
    page = await (next ?? read(last));
  }
  // An incomplete file must not look complete: the exception aborts the download.
  if (file === "all" && sent !== totalRows)
    throw new Error(`The batch ${id} has ${totalRows} rows, but only ${sent} could be read.`);
}

async function readRows(
  ctx: Context,
  batch: StoredBatch,
  file: ResultFile,
  format: ResultFormat,
  range: Range,
): Promise<Found<ResultRow>> {
  const { items, hasMore } = await readPage(ctx, {
    fields: {
      row: sql<number>`rows.row_number`,
      cells: sql<string[]>`rows.fields`,
      status: sql<RowStatus>`${file === "success" || file === "failed" ? sql`results.status::text` : statusIn(batch)}`,
      errorCode: sql<string | null>`results.error_code`,
      error: sql<string | null>`results.error_message`,
      recordId: sql<string | null>`results.record_id`,
      recordKey: sql<string | null>`results.record_key`,
    },
    from: rowsOf(batch, file, range),
    order: sql`"row"`,
    limit: range.rows,
    addedBytes: format === "csv" ? RESULT_BYTES : nameBytes(batch),
    maxBytes: DOWNLOAD_PAGE_BYTES,
  });
  const rows = items.map(({ cells, recordId, ...row }) => ({
    ...row,
    cells: maskSecrets(batch, cells, row.errorCode === "malformed"),
    recordId: recordId === null ? null : Number(recordId),
  }));
  return { items: rows, hasMore };
}

/** Row numbers. */
interface Range {
  readonly after: number;
  readonly rows: number;
}

function rowsOf(batch: StoredBatch, file: ResultFile, range: Range): SQL {
  switch (file) {
    case "all":
      return allRows(batch, range);
    case "success":
    case "failed":
      return rowsWithResult(batch, file, range);
    case "unprocessed":
      return rowsOfStatus(batch, file, range.after, range.rows);
  }
}

const RESULT = sql`row_number, status, error_code, error_message, record_id, record_key, undo`;

/**
 * A page is a range of row numbers. Its cost does not depend on statistics, which are old for a table that has just
 * grown: for `ORDER BY ... LIMIT 4000` the planner may sort all remaining rows for every page.
 */
function within({ after, rows }: Range, id: string): SQL {
  return sql`batch_id = ${id} AND row_number > ${after} AND row_number <= ${after + rows}`;
}

/** One look-up per row: with old statistics, a join of the two ranges may compare each row with each result. */
function allRows({ id, state }: StoredBatch, range: Range): SQL {
  return sql`
    (SELECT batch_id, row_number, fields FROM rowmill.batch_rows WHERE ${within(range, id)}) AS rows
    LEFT JOIN LATERAL (
      SELECT ${RESULT} FROM rowmill.row_results WHERE batch_id = ${id} AND row_number = rows.row_number LIMIT 1
    ) AS results ON true
    ${state === "processing" ? chunkOfRow(id) : sql``}
    ORDER BY rows.row_number`;
}

/** One look-up per row, because there may be few rows with the status. */
function rowsWithResult({ id }: StoredBatch, status: "success" | "failed", range: Range): SQL {
  return sql`
    (SELECT ${RESULT} FROM rowmill.row_results WHERE ${within(range, id)} AND ${hasStatus(status)}) AS results
    JOIN LATERAL (
      SELECT row_number, fields FROM rowmill.batch_rows WHERE batch_id = ${id} AND row_number = results.row_number LIMIT 1
    ) AS rows ON true
    ORDER BY results.row_number`;
}

function hasStatus(status: "success" | "failed"): SQL {
  return sql`status = ${sql.raw(`'${status}'`)} AND undo IS DISTINCT FROM 'reversed'`;
}

/** The first row of the file with a higher row number: blank lines leave gaps in the row numbers. */
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
