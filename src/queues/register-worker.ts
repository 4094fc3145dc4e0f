import { hostname } from "node:os";
import { eq, sql } from "drizzle-orm";
import packageJson from "../../package.json" with { type: "json" };
import type { OpenContext } from "../context.ts";
import { QUEUES } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { concurrencyOf } from "../platform/queue/queue.ts";
import { workers } from "../schema/workers.ts";
import { workerLife } from "./queries.ts";

/** Writes every few seconds that this process takes jobs, and which it has in hand, until disposed of. */
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
  const tell = async () => {
    const running = ctx.queue.running.list().map(({ queue: _, ...job }) => job);
    const now = { running, lastSeenAt: sql`statement_timestamp()` };
    await ctx.db
      .insert(workers)
      .values({ ...facts, ...now })
      .onConflictDoUpdate({ target: workers.id, set: now });
  };
  await tell();
  ctx.log.info({ workerId: id }, "registered");
  const signs = workerLife.start(tell, (error) =>
    ctx.log.warn({ err: error }, "could not tell that this worker is alive"),
  );
  return {
    async [Symbol.asyncDispose]() {
      signs[Symbol.dispose]();
      await signs.settled();
      try {
        await ctx.db.delete(workers).where(eq(workers.id, id));
      } catch (error) {
        // Its row goes with those of workers that were lost.
        ctx.log.warn({ err: error }, "could not take this worker off the list");
      }
    },
  };
}

/** Queue to how many of its jobs of one kind and user are taken at a time. */
function queuesTaken({ config }: OpenContext): Record<string, number> {
  const taken = QUEUES.filter((queue) => config.workerQueues?.has(queue) ?? true);
  return Object.fromEntries(
    taken.map((queue) => [queue, concurrencyOf({ queue, concurrency: "worker" }, config)]),
  );
}
