import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import { openContext } from "../../../src/open-context.ts";
import { createLog } from "../../../src/platform/log.ts";
import { Later } from "../../../src/platform/queue/later.ts";
import { rateLimits } from "../../../src/schema/accounts.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";

const NOT_ALONE = {
  runAlone: () => Promise.reject(new Error("The job must not run alone.")),
  mustRunAlone: () => false,
  giveUp: async () => false,
};

test("a transactional job commits once, with its inner transactions, and its callbacks run after that and not after a rollback", async () => {
  await using rowmill = await startRowmill();
  const { ctx, config } = rowmill;
  const worker = await openContext(config, createLog(config, "test-worker"), "work");
  const seen: unknown[] = [];
  const deliveries: number[] = [];
  const id = randomUUID();
  try {
    await worker.queue.work(jobs.processChunk, {
      ...NOT_ALONE,
      run: async ({ attempt }, transaction) => {
        if (!transaction) throw new Error("This job must have a transaction.");
        deliveries.push(attempt);
        await transaction.db.insert(rateLimits).values({ key: "attempt", points: attempt });
        // A transaction in it is a savepoint: it must not commit what was done before.
        await transaction.db.transaction((inner) => inner.execute(sql`SELECT 1`));
        const failing = transaction.db.transaction(async (inner) => {
          await inner.insert(rateLimits).values({ key: "undone", points: attempt });
          throw new Error("Only the insert of this savepoint is rolled back.");
        });
        await expect(failing).rejects.toThrow("Only the insert");
        transaction.afterCommit.push(
          () => {
            throw new Error("This callback does not keep the next one from running.");
          },
          () => {
            const live = ctx.queue.live(ctx.db, jobs.processChunk, [id]);
            seen.push(Promise.all([ctx.db.select().from(rateLimits), live]));
          },
        );
        if (attempt === 1) throw new Error("The first delivery is rolled back.");
        return undefined;
      },
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

test("a transaction within a transactional job does not commit what the job has done", async () => {
  await using rowmill = await startRowmill();
  const { ctx, config } = rowmill;
  const worker = await openContext(config, createLog(config, "test-worker"), "work");
  const deliveries: number[] = [];
  try {
    await worker.queue.work(jobs.processChunk, {
      ...NOT_ALONE,
      run: async ({ attempt }, transaction) => {
        if (!transaction) throw new Error("This job must have a transaction.");
        deliveries.push(attempt);
        await transaction.db.insert(rateLimits).values({ key: `before ${attempt}`, points: 1 });
        await transaction.db.transaction((inner) =>
          inner.insert(rateLimits).values({ key: `within ${attempt}`, points: 1 }),
        );
        if (attempt === 1) throw new Error("The first delivery is rolled back.");
        return undefined;
      },
    });
    await ctx.queue.add(ctx.db, jobs.processChunk, [{ id: randomUUID(), payload: {} }]);
    await until("the second delivery has committed", async () => (await ctx.db.$count(rateLimits)) > 0);
    expect(deliveries).toEqual([1, 2]);
    const kept = await ctx.db.select({ key: rateLimits.key }).from(rateLimits);
    expect(kept.map(({ key }) => key).sort()).toEqual(["before 2", "within 2"]);
  } finally {
    await worker.close(1000);
  }
});

test.for([
  { isLast: false, order: ["first", "first", "second"] },
  { isLast: true, order: ["first", "second", "first"] },
])("a job that was put back with isLast: $isLast runs as $order", async ({ isLast, order }) => {
  await using rowmill = await startRowmill();
  const { ctx, config } = rowmill;
  const worker = await openContext(config, createLog(config, "test-worker"), "work");
  const ran: string[] = [];
  const [first, second] = [randomUUID(), randomUUID()];
  try {
    const added = [first, second].map((id) => ({ id, payload: {}, group: "1" }));
    for (const job of added) await ctx.queue.add(ctx.db, jobs.clean, [job]);
    await worker.queue.work(jobs.clean, {
      ...NOT_ALONE,
      run: async ({ id }) => {
        ran.push(id === first ? "first" : "second");
        return ran.length === 1 ? new Later(0, {}, { isLast }) : undefined;
      },
    });
    await until("three deliveries have ended", async () => ran.length === 3);
    expect(ran).toEqual(order);
  } finally {
    await worker.close(1000);
  }
});
