import { expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

test("jobs are removed in the order in which their workers mark them as alive, so that neither waits for the other", async () => {
  const { ctx } = rowmill;
  const ids = [2, 1].map((number) => `00000000-0000-4000-8000-00000000000${number}`);
  const [last = "", first = ""] = ids;
  const payload = { deliveryId: first, run: 1 };
  for (const id of ids) await ctx.queue.add(ctx.db, jobs.deliverWebhook, [{ id, payload }]);
  // Now the planner reads the few jobs in the order of the table.
  await ctx.pool.query("ANALYZE rowmill_queue.job_common");
  const worker = await ctx.pool.connect();
  try {
    const lock = (id: string) =>
      worker.query("SELECT FROM rowmill_queue.job WHERE id = $1 FOR NO KEY UPDATE", [id]);
    await worker.query("BEGIN");
    await lock(first);
    const removing = ctx.queue.remove(ctx.db, jobs.deliverWebhook, ids);
    await until("the removal waits", async () => {
      const { rows } = await ctx.pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return rows.length > 0;
    });
    await lock(last);
    await worker.query("COMMIT");
    await removing;
  } finally {
    worker.release();
  }
  expect((await ctx.queue.live(ctx.db, jobs.deliverWebhook, ids)).size).toBe(0);
});
