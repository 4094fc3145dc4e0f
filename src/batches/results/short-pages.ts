/** Reads pages of short rows, which is what nearly all batches have, in half of the time of pages that are measured row by row. */
import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type BatchState, batches } from "../../schema/batches.ts";
import { secretPositions } from "../../targets/secrets.ts";
import { isShown, type StoredBatch } from "../queries.ts";
import { chunkOfRow, statusIn } from "../row-queries.ts";
import { hasStatus, type Range, RESULT, within } from "./result-ranges.ts";
import { RECORD, type RowText, UNIT } from "./result-rows.ts";

export interface ShortPage {
  /** null: the rows of the range are too long to be read at once. */
  readonly rows: RowText[] | null;
  /** The bytes of all rows of the range. null: not measured, because there are too many. */
  readonly bytes: number | null;
  /** The state of the batch when the range was read. null: the batch is being deleted, or was. */
  readonly state: BatchState | null;
}

/** Whether rows of the batch can be read so. Secret cells are masked one by one. */
export function mayBeShort(batch: StoredBatch): boolean {
  return secretPositions(batch).length === 0;
}

/**
 * Reads all rows of a range as one text, if they have at most `maxBytes` together. The range is measured first, as it is
 * stored, and in full only if values are compressed and short. So a range of long rows is not read to find out that it is too long.
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
  const { rows } = await db.execute<{
    state: BatchState | null;
    bytes: string | null;
    page: string | null;
  }>(sql`
    SELECT (SELECT state FROM ${batches} WHERE ${and(eq(batches.id, batch.id), isShown)}) AS state, bytes, CASE WHEN bytes <= ${maxBytes} THEN (
      SELECT string_agg(concat(${sql.join(columns, sql`, ${UNIT}::text, `)}), ${RECORD}::text ORDER BY rows.row_number)
        FILTER (WHERE rows.row_number IS NOT NULL AND ${isIncluded})
      FROM (SELECT batch_id, row_number, fields FROM rowmill.batch_rows WHERE ${ofBatch}) AS rows
      FULL JOIN (SELECT ${RESULT} FROM rowmill.row_results WHERE ${ofBatch}) AS results
        ON results.row_number = rows.row_number
      ${file === "all" && batch.state === "processing" ? chunkOfRow(batch.id) : sql``}
    ) END AS page
    FROM (
      SELECT CASE WHEN stored <= ${maxBytes} THEN count * ${Math.ceil(addedBytes)} + CASE WHEN compressed = 0 THEN stored ELSE (
        SELECT sum(octet_length(fields::text)) FROM rowmill.batch_rows WHERE ${ofBatch}
      ) END + (
        SELECT coalesce(sum(coalesce(octet_length(error_message), 0) + coalesce(octet_length(record_key), 0)), 0)
        FROM rowmill.row_results WHERE ${ofBatch}
      ) END AS bytes
      FROM (
        SELECT count(*) AS count, coalesce(sum(pg_column_size(fields)), 0) AS stored, count(pg_column_compression(fields)) AS compressed
        FROM rowmill.batch_rows WHERE ${ofBatch}
      ) AS rows
      OFFSET 0
    ) AS measured`);
  const [found] = rows;
  const { state = null, page = null } = found ?? {};
  const bytes = found?.bytes == null ? null : Number(found.bytes);
  if (bytes === null || bytes > maxBytes) return { rows: null, bytes, state };
  return { rows: page?.split(RECORD) ?? [], bytes, state };
}
