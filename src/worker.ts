/** The program that takes jobs. Run as many as you like on one database. */
import { loadConfig, requireDatabaseUrl } from "./config.ts";
import { openContext } from "./context.ts";
import { takeJobs } from "./handlers.ts";
import { runProgram } from "./platform/lifecycle.ts";
import { preparePictures } from "./platform/pictures/formats.ts";

/** The chunks in hand get this long to end; what is not done by then is handed back to the queue. */
const FINISH_MS = 20_000;

await runProgram(
  "worker",
  () => loadConfig(requireDatabaseUrl()),
  async ({ config, log, resources }) => {
    const ctx = await openContext(config, log, "work");
    resources.defer(() => ctx.close(FINISH_MS));
    preparePictures();
    await takeJobs(ctx);
  },
);
