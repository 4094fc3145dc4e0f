/** The HTTP program. Run as many as you like on one database. */
import { createApp } from "./app.ts";
import { loadConfig, requireDatabaseUrl } from "./config.ts";
import { openContext } from "./context.ts";
import { ConfigError } from "./errors.ts";
import { closeOnSignal, reportAndExit } from "./platform/lifecycle.ts";

try {
  const config = requireDatabaseUrl(loadConfig());
  const ctx = await openContext(config, "api", "enqueue");
  const app = await createApp(ctx);
  await app.listen({ host: config.host, port: config.port }).catch(explainPort);
  closeOnSignal(ctx.log, async () => {
    await app.close();
    await ctx.close(1000);
  });
} catch (error) {
  reportAndExit(error);
}

function explainPort(error: NodeJS.ErrnoException): never {
  if (error.code !== "EADDRINUSE") throw error;
  throw new ConfigError("PORT: in use by another program; choose another, for instance PORT=8001.", {
    cause: error,
  });
}
