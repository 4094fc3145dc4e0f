import Fastify, { type FastifyBaseLogger, type FastifyPluginAsync } from "fastify";
import type { Registry } from "prom-client";
import type { OpenContext } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { QUEUES } from "../jobs.ts";
import { handleErrors, Problem } from "../platform/http/errors.ts";
import { healthRoutes } from "../platform/http/health.ts";
import { answerRequestId, requestIds } from "../platform/http/request-id.ts";
import { openMetrics } from "../platform/queue/metrics.ts";
import { readMissingOfLastDay } from "../request-log/read-missing.ts";
import { listQueues } from "./queries.ts";

/**
 * Serves /livez, /readyz and /metrics on WORKER_PORT until disposed of.
 * @throws ConfigError if another program uses the port
 */
export async function openProbes(ctx: OpenContext): Promise<AsyncDisposable> {
  const { host, workerPort: port, workerQueues } = ctx.config;
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    ...requestIds,
    forceCloseConnections: true,
  });
  answerRequestId(app);
  handleErrors(app);
  app.addSchema(Problem);
  const queues = QUEUES.filter((queue) => workerQueues?.has(queue) ?? true);
  const source = {
    running: ctx.queue.running,
    queues,
    readDepths: () => listQueues(ctx),
    readMissing: () => readMissingOfLastDay(ctx),
  };
  await app.register(healthRoutes(() => ctx.pool.query("SELECT 1")));
  await app.register(metricRoutes(openMetrics(source, ctx.log)));
  await app.listen({ host, port }).catch(mapListenError);
  return { [Symbol.asyncDispose]: () => app.close() };
}

function metricRoutes(registry: Registry): FastifyPluginAsync {
  return async (app) => {
    app.get("/metrics", async (_request, reply) =>
      reply.type(registry.contentType).send(await registry.metrics()),
    );
  };
}

function mapListenError(cause: NodeJS.ErrnoException): never {
  if (cause.code !== "EADDRINUSE") throw cause;
  const message = "in use by another program. Choose another port; each worker on a machine needs its own.";
  throw new ConfigError(`WORKER_PORT: ${message}`, { cause });
}
