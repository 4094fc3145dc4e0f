/** The program that takes jobs. Run as many as you like on one database. */
import { loadConfig, requireDatabaseUrl } from "./config.ts";
import { openContext } from "./context.ts";
import { takeJobs } from "./handlers.ts";
import { preparePictures } from "./platform/pictures/formats.ts";
import { runProgram } from "./platform/process/lifecycle.ts";
import { openProbes } from "./queues/probe-routes.ts";
import { registerWorker } from "./queues/register-worker.ts";

/** The chunks in hand get this long to end; what is not done by then is handed back to the queue. */
const FINISH_MS = 20_000;

await runProgram(
  "worker",
  () => loadConfig(requireDatabaseUrl()),
  async ({ config, log, resources }) => {
    const ctx = await openContext(config, log, "work");
    resources.defer(() => ctx.close(FINISH_MS));
    preparePictures();
    if (config.workerPort) resources.use(await openProbes(ctx));
    resources.use(await registerWorker(ctx));
    resources.use(await takeJobs(ctx));
    // So that it stands in the list of workers until what it has in hand has ended.
    resources.defer(() => ctx.queue.stop(FINISH_MS));
  },
);
