/** The program that runs jobs. Start as many as you like on one database. */
import { loadConfig, requireDatabaseUrl } from "./config/config.ts";
import { openContext } from "./open-context.ts";
import { runProgram } from "./platform/process/lifecycle.ts";
import { recordMinutes } from "./queues/statistics/record-minutes.ts";
import { registerWorker } from "./queues/workers/register-worker.ts";
import { takeJobs } from "./take-jobs.ts";

await runProgram(
  "worker",
  () => loadConfig(requireDatabaseUrl()),
  async ({ config, log, tracing, resources, shutDown }) => {
    const stopMs = config.workerStopSeconds * 1000;
    const ctx = await openContext(config, log, "work", tracing);
    resources.defer(() => ctx.close(stopMs));
    if (config.workerPort) {
      const { openWorkerProbes } = await import("./queues/metrics/probe-routes.ts");
      resources.use(await openWorkerProbes(ctx));
    }
    const registered = resources.use(await registerWorker(ctx, () => shutDown("an operator asked for it")));
    resources.use(recordMinutes(ctx));
    resources.use(await takeJobs(ctx));
    // Stops before registerWorker ends, so that the worker stays listed until its last job has ended.
    resources.defer(async () => {
      await registered.markStopping();
      await ctx.queue.stop(stopMs);
    });
    log.info(
      { queues: config.workerQueues ? Object.fromEntries(config.workerQueues) : "all" },
      "taking jobs",
    );
  },
);
