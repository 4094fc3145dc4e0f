/** Reads one column of failed and unprocessed rows, in pages of bounded size. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type Cause, hasCause } from "../cause.ts";
import { MAX_ROW_NUMBER } from "../ids.ts";
import { resultOfRow, rowsOfChunk } from "../row-queries.ts";

export interface RowFilter {
  /** Unprocessed rows as well. */
  readonly unprocessed: boolean;
  readonly cause?: Cause | undefined;
  readonly fromRow: number;
  readonly toRow: number;
}

/** The rows of a page. Their cells have up to PAGE_BYTES, and one row more. */
const PAGE_ROWS = 5000;
export const PAGE_BYTES = 4 * 2 ** 20;

export interface FoundRow {
  readonly row: number;
  /** The whole row; null if only the cell was asked for. */
  readonly fields: string[] | null;
  /** The cell, as JSON; null: the row is too short. */
  readonly cell: string | null;
}

export interface SearchedColumn {
  /** In the header. */
  readonly position: number;
  /** The number of columns of the file. */
  readonly width: number;
  /** Whether a shorter row may have a secret in this column. */
  readonly hasSecrets: boolean;
}

/** Reads the next rows of the filter, without those whose cells may be in the wrong columns. */
export async function findCells(
  { db }: Pick<Context, "db">,
  batchId: string,
  filter: RowFilter,
  column: SearchedColumn,
  { withFields }: { readonly withFields: boolean },
): Promise<{ rows: FoundRow[]; isLast: boolean }> {
  const { rows } = await db.execute<FoundRow & { total: number } & Record<string, unknown>>(sql`
    WITH found AS MATERIALIZED (${openRows(batchId, filter, column)} LIMIT ${PAGE_ROWS})
    SELECT row, (fields -> ${column.position}::int)::text AS cell, ${withFields ? sql`fields` : sql`NULL::json`} AS fields,
      (SELECT count(*)::int FROM found) AS total
    FROM found
    WHERE row <= coalesce((
      SELECT row
      FROM (SELECT row, sum(octet_length(fields::text)) OVER (ORDER BY row ROWS UNBOUNDED PRECEDING) AS bytes FROM found) AS measured
      WHERE bytes > ${PAGE_BYTES} ORDER BY row LIMIT 1
    ), ${MAX_ROW_NUMBER}) ORDER BY row`);
  const total = rows[0]?.total ?? 0;
  return { rows, isLast: total < PAGE_ROWS && rows.length === total };
}

/** In the order of the file. LIMIT makes these look-ups per row, whatever the statistics are. */
function openRows(
  batchId: string,
  { unprocessed, cause, fromRow, toRow }: RowFilter,
  { width, hasSecrets }: SearchedColumn,
): SQL {
  const isAligned = hasSecrets
    ? sql`problem IS NULL AND json_array_length(fields) = ${width}`
    : sql`problem IS NULL AND json_array_length(fields) <= ${width}`;
  if (unprocessed) {
    return sql`
      SELECT rows.row_number AS row, rows.fields
      FROM rowmill.chunks AS chunk
      ${rowsOfChunk(batchId)} ${resultOfRow(batchId)}
      WHERE chunk.batch_id = ${batchId} AND chunk.succeeded < chunk.row_count
        AND chunk.last_row >= ${fromRow} AND rows.row_number BETWEEN ${fromRow} AND ${toRow}
        AND ${isAligned} AND results.status IS DISTINCT FROM 'success'
      ORDER BY chunk.first_row, rows.row_number`;
  }
  return sql`
    SELECT results.row_number AS row, rows.fields
    FROM rowmill.row_results AS results
    JOIN LATERAL (
      SELECT fields FROM rowmill.batch_rows
      WHERE batch_id = ${batchId} AND row_number = results.row_number AND ${isAligned} LIMIT 1
    ) AS rows ON true
    WHERE results.batch_id = ${batchId} AND results.status = 'failed' AND results.row_number BETWEEN ${fromRow} AND ${toRow}
      AND ${cause ? hasCause(cause) : sql`true`}
    ORDER BY results.row_number`;
}
