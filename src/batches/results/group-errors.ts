/** Groups the errors of a batch: thousands of failed rows usually have a few causes. */
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { RowError } from "../../schema/batches.ts";
import type { StoredBatch } from "../queries.ts";
import type { ErrorGroupsView, ErrorGroupView } from "./views.ts";

/** Failed rows per statement, which keeps statements far from the time limit. A million rows took 2.8 s on two cores. */
const PAGE_ROWS = 50_000;
const FIRST_ROWS = 5;
/** Usually there are few codes and columns. The limit protects the memory from a target that puts values into codes. */
const MAX_GROUPS = 1000;

export async function groupErrors(ctx: Context, { id }: Pick<StoredBatch, "id">): Promise<ErrorGroupsView> {
  const groups = new Map<string, ErrorGroupView>();
  let failed = 0;
  let ungrouped = 0;
  for await (const { errors, count, rows } of readCauses(ctx, id)) {
    failed += count;
    // A row that breaks the same rule twice counts once.
    const distinct = new Map(errors.map((error) => [JSON.stringify([error.code, error.column]), error]));
    for (const [key, { code, column, message }] of distinct) {
      const known = groups.get(key);
      if (known) {
        known.count += count;
        known.rows = firstOf([...known.rows, ...rows]);
      } else if (groups.size < MAX_GROUPS) {
        groups.set(key, { code, column, count, message, rows });
      } else {
        ungrouped += count;
      }
    }
  }
  const byCount = (a: ErrorGroupView, b: ErrorGroupView) =>
    b.count - a.count || (a.rows[0] ?? 0) - (b.rows[0] ?? 0);
  return { failed, groups: [...groups.values()].toSorted(byCount), ungrouped };
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

async function* readCauses(ctx: Context, batchId: string): AsyncGenerator<Cause> {
  for (let after = 0, isLast = false; !isLast; ) {
    const { rows: page } = await ctx.db.execute<Cause & { lastRow: number } & Record<string, unknown>>(sql`
      SELECT coalesce(errors::json, json_build_array(json_build_object(
          'code', error_code, 'column', NULL, 'message', error_message))) AS errors,
        count(*)::int AS count, (array_agg(row ORDER BY row))[1:${sql.raw(String(FIRST_ROWS))}] AS rows, max(row) AS "lastRow"
      FROM (
        SELECT row_number AS row, errors::text, CASE WHEN errors IS NULL THEN error_code END AS error_code,
          CASE WHEN errors IS NULL THEN error_message END AS error_message
        FROM rowmill.row_results WHERE batch_id = ${batchId} AND status = 'failed' AND row_number > ${after}
        ORDER BY row_number LIMIT ${PAGE_ROWS}
      ) AS page
      GROUP BY page.errors, error_code, error_message ORDER BY min(row)`);
    yield* page;
    let read = 0;
    for (const { count, lastRow } of page) {
      read += count;
      after = Math.max(after, lastRow);
    }
    isLast = read < PAGE_ROWS;
  }
}
