/** The rows of a batch with what came of them, page by page, as the text of a file. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { maskSecrets } from "../targets/secrets.ts";
import { getBatch, type StoredBatch } from "./queries.ts";
import { type ResultFormat, type ResultRow, resultWriter } from "./result-formats.ts";
import { chunkOfRow, rowsOfStatus, statusIn } from "./row-queries.ts";
import type { RowStatus } from "./views.ts";

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
export function exportResults(
  ctx: Context,
  batch: StoredBatch,
  { file, format, withMark }: ExportOptions,
): AsyncGenerator<string> {
  if (batch.state === "receiving") {
    const message = "The batch is still being received. Its results can be read once its state is `queued`.";
    throw new DomainError("conflict", message);
  }
  const writer = resultWriter(format, batch.header, { withMark });
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
  const read = async (after: number) => readPage(ctx, await getBatch(ctx, userId, id), file, after);
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
 * Rows and their results are read side by side and joined: half the time of a look-up a row. The first results behind
 * a row include those of the first rows behind it, so both may stop at a page.
 */
function allRows({ id, state }: StoredBatch, after: number): SQL {
  const page = sql`WHERE batch_id = ${id} AND row_number > ${after} ORDER BY row_number LIMIT ${PAGE_ROWS}`;
  return sql`
    (SELECT batch_id, row_number, fields FROM batch_rows ${page}) AS rows
    LEFT JOIN (SELECT ${RESULT} FROM row_results ${page}) AS results ON results.row_number = rows.row_number
    ${state === "processing" ? chunkOfRow : sql``}
    ORDER BY rows.row_number`;
}

/** A look-up a row, since there may be few of them among many. */
function rowsWithResult({ id }: StoredBatch, status: "success" | "failed", after: number): SQL {
  return sql`
    (
      SELECT ${RESULT} FROM row_results
      WHERE batch_id = ${id} AND status = ${sql.raw(`'${status}'`)} AND undo IS DISTINCT FROM 'reversed' AND row_number > ${after}
      ORDER BY row_number LIMIT ${PAGE_ROWS}
    ) AS results
    JOIN LATERAL (
      SELECT row_number, fields FROM batch_rows WHERE batch_id = ${id} AND row_number = results.row_number LIMIT 1
    ) AS rows ON true
    ORDER BY results.row_number`;
}
