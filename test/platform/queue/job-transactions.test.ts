import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { openContext } from "../../../src/context.ts";
import { jobs } from "../../../src/jobs.ts";
import { createLog } from "../../../src/platform/log.ts";
import { rateLimits } from "../../../src/schema/accounts.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";

test("callbacks of a transactional job run after its commit and not after a rollback", async () => {
  await using rowmill = await startRowmill();
  const { ctx, config } = rowmill;
  const worker = await openContext(config, createLog(config, "test-worker"), "work");
  const seen: unknown[] = [];
  const deliveries: number[] = [];
  const id = randomUUID();
  try {
    await worker.queue.work(jobs.processChunk, async ({ attempt }, transaction) => {
      if (!transaction) throw new Error("This job must have a transaction.");
      deliveries.push(attempt);
      await transaction.db.insert(rateLimits).values({ key: "attempt", points: attempt });
      transaction.afterCommit.push(() => {
        seen.push(
          Promise.all([ctx.db.select().from(rateLimits), ctx.queue.live(ctx.db, jobs.processChunk, [id])]),
        );
      });
      if (attempt === 1) throw new Error("The first delivery is rolled back.");
      return undefined;
    });
    await ctx.queue.add(ctx.db, jobs.processChunk, [{ id, payload: {} }]);
    await until("a callback has run", async () => seen.length > 0);
    expect(deliveries).toEqual([1, 2]);
    const committed = [expect.objectContaining({ key: "attempt", points: 2 })];
    expect(await Promise.all(seen)).toEqual([[committed, new Set()]]);
  } finally {
    await worker.close(1000);
  }
});
