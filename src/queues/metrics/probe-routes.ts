import Fastify, { type FastifyBaseLogger, type FastifyPluginAsync } from "fastify";
import type { Registry } from "prom-client";
import { ConfigError } from "../../errors.ts";
import { QUEUES } from "../../jobs.ts";
import type { OpenContext } from "../../open-context.ts";
import { handleErrors, Problem } from "../../platform/http/errors.ts";
import { healthRoutes } from "../../platform/http/health.ts";
import { answerRequestId, requestIds } from "../../platform/http/request-id.ts";
import { addReplicaMetrics, openRegistry } from "../../platform/metrics/registry.ts";
import { addRequestMetrics } from "../../platform/metrics/request-metrics.ts";
import { addQueueMetrics } from "../../platform/queue/metrics.ts";
import { listQueues } from "../queries.ts";
import { addUpkeepMetrics } from "./upkeep-metrics.ts";
import { addWorkMetrics } from "./work-metrics.ts";

/** Serves the probes and metrics of a worker on WORKER_PORT until disposed of. @throws ConfigError if the port is in use */
export function openWorkerProbes(ctx: OpenContext): Promise<AsyncDisposable> {
  const { workerPort, workerQueues } = ctx.config;
  const registry = openRegistry({ main: ctx.pool });
  const source = {
    running: ctx.queue.running,
    queues: QUEUES.filter((queue) => workerQueues?.has(queue) ?? true),
    readDepths: () => listQueues(ctx),
  };
  addQueueMetrics(registry, source, ctx.log);
  addUpkeepMetrics(registry, ctx);
  addWorkMetrics(registry, ctx.activity);
  return serve(ctx, { port: workerPort, setting: "WORKER_PORT" }, registry);
}

/** Serves the probes and metrics of an API on METRICS_PORT until disposed of. @throws ConfigError if the port is in use */
export function openApiMetrics(ctx: OpenContext): Promise<AsyncDisposable> {
  const { replica } = ctx;
  const pools = { main: ctx.pool, reads: ctx.reads.pool, ...(replica && { replica: replica.pool }) };
  const registry = openRegistry(pools);
  if (replica) addReplicaMetrics(registry, replica);
  ctx.activity.on("requestEnded", addRequestMetrics(registry));
  return serve(ctx, { port: ctx.config.metricsPort, setting: "METRICS_PORT" }, registry);
}

interface Port {
  readonly port: number;
  /** The setting that the port has. */
  readonly setting: string;
}

async function serve(
  ctx: OpenContext,
  { port, setting }: Port,
  registry: Registry,
): Promise<AsyncDisposable> {
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    ...requestIds,
    forceCloseConnections: true,
  });
  answerRequestId(app);
  handleErrors(app);
  app.addSchema(Problem);
  await app.register(healthRoutes(() => ctx.pool.query("SELECT 1")));
  await app.register(metricRoutes(registry));
  await app.listen({ host: ctx.config.host, port }).catch((cause) => mapListenError(setting, cause));
  return { [Symbol.asyncDispose]: () => app.close() };
}

function metricRoutes(registry: Registry): FastifyPluginAsync {
  return async (app) => {
    app.get("/metrics", async (_request, reply) =>
      reply.type(registry.contentType).send(await registry.metrics()),
    );
  };
}

function mapListenError(setting: string, cause: NodeJS.ErrnoException): never {
  if (cause.code !== "EADDRINUSE") throw cause;
  const message = "in use by another program. Choose another port; each process on a machine needs its own.";
  throw new ConfigError(`${setting}: ${message}`, { cause });
}
