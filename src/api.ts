/** The HTTP program. Start as many as you like on one database. */
import { createApp } from "./app.ts";
import { loadConfig, requireDatabaseUrl } from "./config/config.ts";
import { ConfigError } from "./errors.ts";
import { openContext } from "./open-context.ts";
import { runProgram } from "./platform/process/lifecycle.ts";

await runProgram(
  "api",
  () => loadConfig(requireDatabaseUrl()),
  async ({ config, log, tracing, resources }) => {
    const ctx = await openContext(config, log, "enqueue", tracing);
    resources.defer(() => ctx.close(1000));
    if (config.metricsPort) {
      const { openApiMetrics } = await import("./queues/metrics/probe-routes.ts");
      resources.use(await openApiMetrics(ctx));
    }
    const app = await createApp(ctx);
    resources.defer(() => app.close());
    await app.listen({ host: config.host, port: config.port }).catch(explainPort);
  },
);

function explainPort(cause: NodeJS.ErrnoException): never {
  if (cause.code !== "EADDRINUSE") throw cause;
  throw new ConfigError("PORT: in use by another program. Choose another port, such as PORT=8001.", {
    cause,
  });
}
