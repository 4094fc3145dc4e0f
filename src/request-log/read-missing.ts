import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DAY_MS } from "../platform/durations.ts";

interface Range {
  readonly from: Date;
  readonly to: Date;
}

/** Returns the number of requests that the log of all API processes lacks. */
export async function readMissing({ db }: Pick<Context, "db">, { from, to }: Range): Promise<number> {
  const { rows } = await db.execute<{ missing: number }>(sql`
    SELECT coalesce(sum(requests), 0)::float8 AS missing FROM rowmill.request_log_gaps
    WHERE at >= ${from.toISOString()}::timestamptz AND at < ${to.toISOString()}::timestamptz`);
  return rows[0]?.missing ?? 0;
}

export function readMissingOfLastDay(ctx: Pick<Context, "db" | "now">): Promise<number> {
  const to = ctx.now();
  return readMissing(ctx, { from: new Date(to.getTime() - DAY_MS), to });
}
