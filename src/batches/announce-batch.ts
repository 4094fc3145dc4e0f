import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";

/** Tells that a batch has ended: in the log, with what an operator asks first. */
export async function announceBatch(ctx: Context, batchId: string): Promise<void> {
  const { rows } = await ctx.db.execute(sql`
    SELECT batches.state, total_rows AS rows, sum(succeeded)::int AS succeeded, sum(failed)::int AS failed,
      extract(epoch FROM finished_at - queued_at)::float AS seconds
    FROM batches JOIN chunks ON batch_id = id WHERE id = ${batchId} AND finished_at IS NOT NULL GROUP BY id`);
  if (rows[0]) ctx.log.info({ batchId, ...rows[0] }, "batch finished");
}
