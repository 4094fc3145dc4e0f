/** The program that takes jobs. Run as many as you like on one database. */
import { loadConfig, requireDatabaseUrl } from "./config.ts";
import { openContext } from "./context.ts";
import { takeJobs } from "./handlers.ts";
import { closeOnSignal, reportAndExit, tellReady } from "./platform/lifecycle.ts";
import { createLog } from "./platform/log.ts";

/** The chunks in hand get this long to end; what is not done by then is handed back to the queue. */
const FINISH_MS = 20_000;

const resources = new AsyncDisposableStack();
try {
  const config = loadConfig(requireDatabaseUrl());
  const log = createLog(config, "worker");
  closeOnSignal(log, () => resources.disposeAsync());
  const ctx = await openContext(config, log, "work");
  resources.defer(() => ctx.close(FINISH_MS));
  await takeJobs(ctx);
  tellReady();
} catch (error) {
  reportAndExit(error);
}
