/** Groups the errors of a batch: thousands of failed rows usually have a few causes. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { RowError } from "../../schema/batches.ts";
import { causeQuery } from "../cause.ts";
import { MAX_ROW_NUMBER } from "../ids.ts";
import type { StoredBatch } from "../queries.ts";
import type { ErrorGroupsView, ErrorGroupView } from "./views.ts";

/** Failed rows per statement, which keeps statements far from the time limit. A million rows took 2.8 s on two cores. */
const PAGE_ROWS = 50_000;
/** A page ends early if its errors are long. */
const PAGE_BYTES = 2 ** 22;
/** The time after which the remaining rows are only counted. */
const MAX_MS = 20_000;
const MAX_MESSAGE_LENGTH = 500;
const FIRST_ROWS = 5;
/** Usually there are few codes and columns. The limit protects the memory from a target that puts values into codes. */
const MAX_GROUPS = 1000;

/** @param maxMs the time for grouping; the remaining rows are `ungrouped` */
export async function groupErrors(
  ctx: Context,
  batch: Pick<StoredBatch, "id" | "failed">,
  maxMs = MAX_MS,
): Promise<ErrorGroupsView> {
  await ctx.reserveMemory(PAGE_BYTES);
  const until = performance.now() + maxMs;
  const groups = new Map<string, Group>();
  let failed = 0;
  let ungrouped = 0;
  for await (const { errors, count, rows } of readCauses(ctx, batch.id, until)) {
    failed += count;
    // A row that breaks the same rule twice counts once.
    const distinct = new Map(errors.map((error) => [JSON.stringify([error.code, error.column]), error]));
    for (const [key, { code, column, message }] of distinct) {
      const known = groups.get(key);
      if (known) {
        known.count += count;
        known.rows = firstOf([...known.rows, ...rows]);
      } else if (groups.size < MAX_GROUPS) {
        groups.set(key, { code, column, count, message: shortened(message), rows });
      } else {
        ungrouped += count;
      }
    }
  }
  const uncounted = Math.max(0, batch.failed - failed);
  const byCount = (a: Group, b: Group) => b.count - a.count || (a.rows[0] ?? 0) - (b.rows[0] ?? 0);
  return {
    failed: failed + uncounted,
    groups: [...groups.values()]
      .toSorted(byCount)
      .map((group) => ({ ...group, rows_url: urlOf(batch, group) })),
    ungrouped: ungrouped + uncounted,
  };
}

type Group = Omit<ErrorGroupView, "rows_url">;

function urlOf({ id }: Pick<StoredBatch, "id">, group: Group): string {
  return `/api/v1/batches/${id}/rows?${causeQuery(group)}&from_row=${group.rows[0] ?? 1}`;
}

function shortened(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
}

function firstOf(rows: number[]): number[] {
  return rows.toSorted((a, b) => a - b).slice(0, FIRST_ROWS);
}

/** The rows of a page that have exactly the same errors. */
interface Cause {
  readonly errors: RowError[];
  readonly count: number;
  /** The first of these rows. */
  readonly rows: number[];
}

async function* readCauses(ctx: Context, batchId: string, until: number): AsyncGenerator<Cause> {
  for (let after = 0, isLast = false; !isLast && performance.now() < until; ) {
    const { rows: page } = await ctx.db.execute<Cause & { lastRow: number } & Record<string, unknown>>(sql`
      SELECT coalesce(page.errors::json, json_build_array(json_build_object(
          'code', error_code, 'column', NULL, 'message', error_message))) AS errors,
        count(*)::int AS count, (array_agg(row ORDER BY row))[1:${sql.raw(String(FIRST_ROWS))}] AS rows, max(row) AS "lastRow"
      FROM (${failedRows(batchId, after)}) AS page
      GROUP BY page.errors, error_code, error_message ORDER BY min(row)`);
    yield* page;
    for (const { lastRow } of page) after = Math.max(after, lastRow);
    isLast = page.length === 0;
  }
}

/** The next failed rows, up to the row whose errors exceed a page. The subquery for that row reads no errors behind it. */
function failedRows(batchId: string, after: number): SQL {
  return sql`
    WITH found AS MATERIALIZED (
      SELECT row_number AS row, errors, error_code, error_message FROM rowmill.row_results
      WHERE batch_id = ${batchId} AND status = 'failed' AND row_number > ${after}
      ORDER BY row_number LIMIT ${PAGE_ROWS}
    )
    SELECT row, errors::text AS errors, CASE WHEN errors IS NULL THEN error_code END AS error_code,
      CASE WHEN errors IS NULL THEN error_message END AS error_message
    FROM found
    WHERE row <= coalesce((
      SELECT row
      FROM (
        SELECT row, sum(octet_length(coalesce(errors::text, error_message))) OVER (ORDER BY row ROWS UNBOUNDED PRECEDING) AS bytes
        FROM found
      ) AS measured
      WHERE bytes > ${PAGE_BYTES} ORDER BY row LIMIT 1
    ), ${MAX_ROW_NUMBER})`;
}
