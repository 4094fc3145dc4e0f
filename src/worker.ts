/** The program that takes jobs. Run as many as you like on one database. */
import { loadConfig, requireDatabaseUrl } from "./config.ts";
import { openContext } from "./context.ts";
import { takeJobs } from "./handlers.ts";
import { closeOnSignal, reportAndExit } from "./platform/lifecycle.ts";

/** The chunks in hand get this long to end; what is not done by then is handed back to the queue. */
const FINISH_MS = 20_000;

try {
  const config = requireDatabaseUrl(loadConfig());
  const ctx = await openContext(config, "worker", "work");
  await takeJobs(ctx);
  closeOnSignal(ctx.log, () => ctx.close(FINISH_MS));
} catch (error) {
  reportAndExit(error);
}
