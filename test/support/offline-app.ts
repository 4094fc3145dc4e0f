/** The app for tests without a database: creating it uses no resource, only answering does. */
import type { FastifyInstance } from "fastify";
import { Activity } from "../../src/activity.ts";
import { createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/platform/log.ts";
import { ChangeListener } from "../../src/platform/postgres/change-listener.ts";
import { databaseOn, openPool } from "../../src/platform/postgres/database.ts";
import { PgBossQueue } from "../../src/platform/queue/queue.ts";
import { noTracing } from "../../src/platform/tracing/tracing.ts";

const NOWHERE = "postgres://127.0.0.1:1/none";

/** Close it at the end. */
export async function createOfflineApp(): Promise<FastifyInstance> {
  const config = loadConfig({ JWT_SECRET: "x".repeat(32), LOG_LEVEL: "silent", DATABASE_URL: NOWHERE });
  const log = createLog(config, "test");
  const pool = openPool(NOWHERE, 1, log);
  const listener = new ChangeListener(config, false, log);
  const queue = new PgBossQueue(config, "enqueue", 1, listener, log);
  const app = await createApp({
    config,
    db: databaseOn(pool),
    pool,
    reads: { db: databaseOn(pool), pool, connections: 1 },
    replica: null,
    queue,
    smtp: null,
    listener,
    log,
    programLog: log,
    tracing: noTracing,
    limitedTypes: new Set(),
    activity: new Activity(),
    now: () => new Date(),
    actor: null,
    requestId: null,
    address: null,
    commandLine: null,
    reserveMemory: async () => {},
    hasSessions: false,
    sharesMachine: false,
  });
  await app.ready();
  return app;
}

/** Returns each route of the OpenAPI document as `GET /api/v1/batches/{batch_id}`, without a trailing slash. */
export async function documentedRoutes(): Promise<string[]> {
  const app = await createOfflineApp();
  const { paths = {} } = app.swagger();
  await app.close();
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path.replace(/(?<=.)\/$/, "")}`),
  );
}
