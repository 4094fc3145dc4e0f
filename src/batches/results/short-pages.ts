/** Reads pages of short rows, which is what nearly all batches have, in half of the time of pages that are measured row by row. */
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { secretPositions } from "../../targets/secrets.ts";
import type { StoredBatch } from "../queries.ts";
import { chunkOfRow, statusIn } from "../row-queries.ts";
import type { RowStatus } from "../views.ts";
import type { ResultRow } from "./result-formats.ts";
import { hasStatus, type Range, RESULT, within } from "./result-ranges.ts";

/** Unit and record separators. JSON escapes them, and the columns that are not JSON cannot have them. */
const UNIT = "\u001f";
const RECORD = "\u001e";

export interface ShortPage {
  /** null: the rows of the range are too long to be read at once. */
  readonly rows: ResultRow[] | null;
  /** The bytes of all rows of the range. null: not measured, because there are too many. */
  readonly bytes: number | null;
}

/** Whether rows of the batch can be read so. Secret cells are masked one by one. */
export function mayBeShort(batch: StoredBatch): boolean {
  return secretPositions(batch).length === 0;
}

/**
 * Reads all rows of a range as one text, if they have at most `maxBytes` together. The range is measured first, its
 * compressed values before their full length, so that a range of long rows is not read to find out that it is too long.
 *
 * The join is full because PostgreSQL has only fast ways to do that. With old statistics, a left join of two ranges may compare
 * each row with each result, and a look-up per row takes three times as long. A result without a row, which only a removal
 * leaves behind, is left out.
 * @param addedBytes the bytes that the file adds to each row
 */
export async function readShortPage(
  { db }: Context,
  batch: StoredBatch,
  file: "all" | "success",
  range: Range,
  { addedBytes, maxBytes }: { readonly addedBytes: number; readonly maxBytes: number },
): Promise<ShortPage> {
  const ofBatch = within(range, batch.id);
  const isIncluded = file === "all" ? sql`true` : hasStatus(file);
  const columns = [
    sql`rows.row_number`,
    sql`rows.fields`,
    file === "all" ? statusIn(batch) : sql`results.status`,
    // An endpoint or a target of an operator's own chooses the code.
    sql`to_json(results.error_code)`,
    sql`to_json(results.error_message)`,
    sql`results.record_id`,
    sql`results.record_key`,
  ];
  const { rows } = await db.execute<{ bytes: string | null; page: string | null }>(sql`
    SELECT bytes, CASE WHEN bytes <= ${maxBytes} THEN (
      SELECT string_agg(concat(${sql.join(columns, sql`, ${UNIT}::text, `)}), ${RECORD}::text ORDER BY rows.row_number)
        FILTER (WHERE rows.row_number IS NOT NULL AND ${isIncluded})
      FROM (SELECT batch_id, row_number, fields FROM rowmill.batch_rows WHERE ${ofBatch}) AS rows
      FULL JOIN (SELECT ${RESULT} FROM rowmill.row_results WHERE ${ofBatch}) AS results
        ON results.row_number = rows.row_number
      ${file === "all" && batch.state === "processing" ? chunkOfRow(batch.id) : sql``}
    ) END AS page
    FROM (
      SELECT CASE WHEN (SELECT coalesce(sum(pg_column_size(fields)), 0) FROM rowmill.batch_rows WHERE ${ofBatch}) <= ${maxBytes} THEN (
        SELECT coalesce(sum(${Math.ceil(addedBytes)} + octet_length(fields::text)), 0) FROM rowmill.batch_rows WHERE ${ofBatch}
      ) + (
        SELECT coalesce(sum(coalesce(octet_length(error_message), 0) + coalesce(octet_length(record_key), 0)), 0)
        FROM rowmill.row_results WHERE ${ofBatch}
      ) END AS bytes OFFSET 0
    ) AS measured`);
  const [found] = rows;
  const bytes = found?.bytes == null ? null : Number(found.bytes);
  if (bytes === null || bytes > maxBytes) return { rows: null, bytes };
  const page = found?.page ?? null;
  return { rows: page === null ? [] : page.split(RECORD).map(readRow), bytes };
}

function readRow(text: string): ResultRow {
  const [row, cells = "", status, errorCode, error, recordId, recordKey] = text.split(UNIT);
  return {
    row: Number(row),
    cells: JSON.parse(cells) as string[],
    status: status as RowStatus,
    errorCode: errorCode ? (JSON.parse(errorCode) as string) : null,
    error: error ? (JSON.parse(error) as string) : null,
    recordId: recordId ? Number(recordId) : null,
    recordKey: recordKey || null,
  };
}
