import { hostname } from "node:os";
import { eq, sql } from "drizzle-orm";
import packageJson from "../../package.json" with { type: "json" };
import type { OpenContext } from "../context.ts";
import { QUEUES } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { concurrencyOf } from "../platform/queue/queue.ts";
import { workers } from "../schema/workers.ts";
import { workerLife } from "./queries.ts";

/** Reports this worker and its running jobs to the table of workers every few seconds until disposed of. */
export async function registerWorker(ctx: OpenContext): Promise<AsyncDisposable> {
  const id = uuidV7(ctx.now());
  const facts = {
    id,
    host: hostname(),
    pid: process.pid,
    version: packageJson.version,
    queues: queuesTaken(ctx),
    startedAt: sql`statement_timestamp()`,
  };
  const report = async () => {
    const sinceOf = (startedAt: number) => new Date(ctx.now().getTime() - (performance.now() - startedAt));
    const running = ctx.queue.running
      .list()
      .map(({ job, id, startedAt }) => ({ job, id, since: sinceOf(startedAt).toISOString() }));
    const now = { running, lastSeenAt: sql`statement_timestamp()` };
    await ctx.db
      .insert(workers)
      .values({ ...facts, ...now })
      .onConflictDoUpdate({ target: workers.id, set: now });
  };
  await report();
  ctx.log.info({ workerId: id }, "worker registered");
  const signs = workerLife.start(report, (error) =>
    ctx.log.warn({ err: error }, "could not record the sign of life of this worker"),
  );
  return {
    async [Symbol.asyncDispose]() {
      signs[Symbol.dispose]();
      await signs.settled();
      try {
        await ctx.db.delete(workers).where(eq(workers.id, id));
      } catch (error) {
        // `removeLostWorkers` removes the row later.
        ctx.log.warn({ err: error }, "could not remove this worker from the list");
      }
    },
  };
}

/** The concurrency of each queue that this worker takes, by queue. */
function queuesTaken({ config }: OpenContext): Record<string, number> {
  const taken = QUEUES.filter((queue) => config.workerQueues?.has(queue) ?? true);
  return Object.fromEntries(
    taken.map((queue) => [queue, concurrencyOf({ queue, concurrency: "worker" }, config)]),
  );
}
