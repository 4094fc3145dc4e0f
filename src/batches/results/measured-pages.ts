/** Reads pages of rows of any length: the database measures each row until the page is full. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DOWNLOAD_PAGE_BYTES } from "../../platform/http/bounded-answers.ts";
import { type Found, readPage } from "../../platform/postgres/read-page.ts";
import { maskSecrets } from "../../targets/secrets.ts";
import type { StoredBatch } from "../queries.ts";
import { chunkOfRow, nameBytes, rowsOfStatus, statusIn } from "../row-queries.ts";
import type { RowStatus } from "../views.ts";
import type { ResultFormat } from "./result-formats.ts";
import { hasStatus, type Range, RESULT, type ResultFile, within } from "./result-ranges.ts";
import type { ResultRow } from "./result-rows.ts";

/** The result columns of a row in a CSV. */
const RESULT_BYTES = 50;

/** The bytes that the file adds to the values of a row. */
export function addedBytes(batch: StoredBatch, format: ResultFormat): number {
  return format === "csv" ? RESULT_BYTES : nameBytes(batch);
}

/** Reads rows of a range, in its order, up to the end of the page. */
export async function readMeasuredPage(
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
    addedBytes: addedBytes(batch, format),
    maxBytes: DOWNLOAD_PAGE_BYTES,
  });
  const rows = items.map(({ cells, recordId, ...row }) => ({
    ...row,
    cells: maskSecrets(batch, cells, row.errorCode === "malformed"),
    recordId: recordId === null ? null : Number(recordId),
  }));
  return { items: rows, hasMore };
}

function rowsOf(batch: StoredBatch, file: ResultFile, range: Range): SQL {
  switch (file) {
    case "all":
      return allRows(batch, range);
    case "success":
    case "failed":
      return rowsWithResult(batch, file, range);
    case "unprocessed":
      return rowsOfStatus(batch, file, range, range.rows);
  }
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
