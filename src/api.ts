/** The HTTP program. Run as many as you like on one database. */
import { createApp } from "./app.ts";
import { loadConfig, requireDatabaseUrl } from "./config.ts";
import { openContext } from "./context.ts";
import { ConfigError } from "./errors.ts";
import { closeOnSignal, reportAndExit, tellReady } from "./platform/lifecycle.ts";
import { createLog } from "./platform/log.ts";

const resources = new AsyncDisposableStack();
try {
  const config = loadConfig(requireDatabaseUrl());
  const log = createLog(config, "api");
  closeOnSignal(log, () => resources.disposeAsync());
  const ctx = await openContext(config, log, "enqueue");
  resources.defer(() => ctx.close(1000));
  const app = await createApp(ctx);
  resources.defer(() => app.close());
  await app.listen({ host: config.host, port: config.port }).catch(explainPort);
  tellReady();
} catch (error) {
  reportAndExit(error);
}

function explainPort(error: NodeJS.ErrnoException): never {
  if (error.code !== "EADDRINUSE") throw error;
  throw new ConfigError("PORT: in use by another program; choose another, for instance PORT=8001.", {
    cause: error,
  });
}
