/** Lanes with 50,000 waiting tasks: statements read single rows by index, also with absent and stale statistics. */
import { expect, test } from "vitest";
import { takeSlot } from "../../../../src/tasks/lanes/take-slot.ts";
import { giveUpSlot, wakeNextLanes } from "../../../../src/tasks/lanes/wake-waiting.ts";
import { getTask } from "../../../../src/tasks/queries.ts";
import { httpType } from "../../../../src/tasks/types/http/http.ts";
import { explaining } from "../../../support/plans.ts";
import { Stopwatch } from "../../../support/stopwatch.ts";
import { createTask } from "../../../support/tasks.ts";
import { useAdmin, useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const URL = "https://example.com:8443/";

const paceOf = () =>
  httpType.paceOf?.({ url: URL, method: "POST", timeout_seconds: 30, concurrency: 5 }) ?? never();
function never(): never {
  throw new Error("The type has no pace.");
}

test.each(["absent", "stale"])("with %s statistics", async (statistics) => {
  const { ctx } = rowmill;
  await ctx.pool.query("TRUNCATE rowmill.http_slots, rowmill.http_lanes");
  await ctx.pool.query("DELETE FROM rowmill.tasks");
  if (statistics === "stale")
    await ctx.pool.query("ANALYZE rowmill.http_slots, rowmill.http_lanes, rowmill.tasks");
  const id = await createTask(ctx, admin.userId, { type: "http", params: { url: URL } });
  await ctx.pool.query(
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, params, max_retries, job_id, metadata)
     SELECT gen_random_uuid(), $1, 'http', 'http', '{}', 3, gen_random_uuid(), '{"many": true}' FROM generate_series(1, 50000)`,
    [admin.userId],
  );
  await ctx.pool.query(
    `INSERT INTO rowmill.http_slots (task_id, job_id, user_id, host, priority, number, concurrent)
     SELECT id, job_id, user_id, 'example.com:8443', priority, number, 5 FROM rowmill.tasks WHERE metadata ->> 'many' = 'true'`,
  );
  await using plans = await explaining(ctx);
  using watch = new Stopwatch();
  expect(await takeSlot(plans, { taskId: id, run: 1 }, paceOf)).toBeNull();
  await giveUpSlot(plans, await getTask(ctx, null, id), paceOf);
  expect(await wakeNextLanes(plans, null)).toBeNull();
  expect(watch.ms).toBeLessThan(10_000);
  expect(plans.scans("http_slots").join()).not.toContain("whole table");
  expect(plans.scans("tasks").join()).not.toContain("whole table");
});
