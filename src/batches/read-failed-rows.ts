/** Reads the errors of failed rows in pages that are bounded in rows and bytes. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { type FailedRows, FIRST_ROWS } from "./cause-groups.ts";
import { MAX_ROW_NUMBER } from "./ids.ts";

/** Failed rows per statement, which keeps statements far from the time limit. A million rows took 2.8 s on two cores. */
const PAGE_ROWS = 50_000;
/** A page ends early if its errors are long. */
export const PAGE_BYTES = 2 ** 22;

interface Limits {
  /** The time of `performance.now()` after which no further page is read. */
  readonly until?: number;
  readonly pageBytes?: number;
}

interface Range {
  readonly batchId: string;
  readonly firstRow: number;
  readonly lastRow: number;
}

type Page = FailedRows & { lastRow: number } & Record<string, unknown>;

/**
 * Yields the failed rows of a range, in the order of the rows and grouped by errors. Rows with the same errors may be in several pages.
 */
export async function* readFailedRows(
  { db }: Pick<Context, "db">,
  { batchId, firstRow, lastRow }: Range,
  { until = Number.POSITIVE_INFINITY, pageBytes = PAGE_BYTES }: Limits = {},
): AsyncGenerator<FailedRows> {
  for (let after = firstRow - 1, isLast = false; !isLast && performance.now() < until; ) {
    const page = await readPage(
      db,
      sql`
        SELECT row_number AS row, errors, error_code, error_message FROM rowmill.row_results
        WHERE batch_id = ${batchId} AND status = 'failed' AND row_number > ${after} AND row_number <= ${lastRow}
        ORDER BY row_number LIMIT ${PAGE_ROWS}`,
      pageBytes,
    );
    yield* page;
    for (const each of page) after = Math.max(after, each.lastRow);
    isLast = page.length === 0;
  }
}

/** Yields those of the rows that have failed, grouped by errors. */
export async function* readFailedRowsOf(
  { db }: Pick<Context, "db">,
  batchId: string,
  rows: readonly number[],
): AsyncGenerator<FailedRows> {
  for (let left = rows.toSorted((a, b) => a - b); left.length > 0; ) {
    const page = await readPage(
      db,
      sql`
        SELECT result.* FROM unnest(${sql.param(left)}::int[]) AS wanted (row) CROSS JOIN LATERAL (
          SELECT row_number AS row, errors, error_code, error_message FROM rowmill.row_results
          WHERE batch_id = ${batchId} AND row_number = wanted.row AND status = 'failed' LIMIT 1
        ) AS result`,
      PAGE_BYTES,
    );
    yield* page;
    const last = page.reduce((max, { lastRow }) => Math.max(max, lastRow), 0);
    left = page.length === 0 ? [] : left.filter((row) => row > last);
  }
}

/**
 * Groups the rows up to the one whose errors exceed a page. The subquery for that row reads no errors behind it.
 * @param rows SQL that finds rows in their order
 */
async function readPage(db: Context["db"], rows: SQL, pageBytes: number): Promise<Page[]> {
  const { rows: page } = await db.execute<Page>(sql`
    WITH found AS MATERIALIZED (${rows})
    SELECT coalesce(page.errors::json, json_build_array(json_build_object(
        'code', error_code, 'column', NULL, 'message', error_message))) AS errors,
      count(*)::int AS count, (array_agg(row ORDER BY row))[1:${sql.raw(String(FIRST_ROWS))}] AS rows, max(row) AS "lastRow"
    FROM (
      SELECT row, errors::text AS errors, CASE WHEN errors IS NULL THEN error_code END AS error_code,
        CASE WHEN errors IS NULL THEN error_message END AS error_message
      FROM found
      WHERE row <= coalesce((
        SELECT row
        FROM (
          SELECT row, sum(octet_length(coalesce(errors::text, error_message))) OVER (ORDER BY row ROWS UNBOUNDED PRECEDING) AS bytes
          FROM found
        ) AS measured
        WHERE bytes > ${pageBytes} ORDER BY row LIMIT 1
      ), ${MAX_ROW_NUMBER})
    ) AS page
    GROUP BY page.errors, error_code, error_message ORDER BY min(row)`);
  return page;
}
