import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";

/** Logs that a batch has ended. @returns the summary that it logs; undefined if the batch runs again or was removed */
export async function announceBatch(ctx: Context, batchId: string): Promise<object | undefined> {
  const { rows } = await ctx.db.execute(sql`
    SELECT batches.state, total_rows AS rows, sum(succeeded)::int AS succeeded, sum(failed)::int AS failed,
      extract(epoch FROM finished_at - queued_at)::float AS seconds
    FROM rowmill.batches JOIN rowmill.chunks ON batch_id = id WHERE id = ${batchId} AND finished_at IS NOT NULL GROUP BY id`);
  const [summary] = rows;
  if (summary) ctx.log.info({ batchId, ...summary }, "batch finished");
  return summary;
}
