import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { retentionLimit } from "../retention.ts";

/** Schedules per statement. Each has up to 500 ticks. */
const PAGE = 100;

/** Removes ticks of more than RETENTION_DAYS ago. @returns their number */
export async function removeOldTicks(ctx: Context, signal?: AbortSignal): Promise<number> {
  const before = retentionLimit(ctx).toISOString();
  let removed = 0;
  for (let after = 0; ; ) {
    signal?.throwIfAborted();
    const { rows } = await ctx.db.execute<{ last: string | null; removed: number }>(sql`
      WITH page AS (
        SELECT id, number FROM rowmill.schedules WHERE number > ${after} ORDER BY number LIMIT ${PAGE}
      ), removed AS (
        DELETE FROM rowmill.schedule_ticks WHERE ctid = ANY(ARRAY(
          SELECT place FROM page CROSS JOIN LATERAL (
            SELECT ctid AS place, state FROM rowmill.schedule_ticks
            WHERE schedule_id = page.id AND tick_at < ${before}::timestamptz ORDER BY tick_at OFFSET 0
          ) AS old
          WHERE state <> 'waiting'))
        RETURNING 1
      )
      SELECT (SELECT max(number) FROM page) AS last, (SELECT count(*)::int FROM removed) AS removed`);
    const [page] = rows;
    removed += page?.removed ?? 0;
    if (!page?.last) return removed;
    after = Number(page.last);
  }
}
