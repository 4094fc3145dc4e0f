/** The program that runs jobs whose worker has ended before, one at a time. Only this process ends if a job is at fault. */
import { loadConfig, requireDatabaseUrl } from "./config/config.ts";
import { answerLoneJob } from "./lone-jobs.ts";
import { openContext } from "./open-context.ts";
import { runProgram } from "./platform/process/lifecycle.ts";

await runProgram(
  "worker",
  () => loadConfig(requireDatabaseUrl()),
  async ({ config, log, tracing, resources }) => {
    const ctx = await openContext(config, log, "enqueue", tracing);
    resources.defer(() => ctx.close(1000));
    process.on("message", (message) => void answerLoneJob(ctx, message));
  },
);
