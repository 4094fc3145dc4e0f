/** Opens the context of a program, and closes it. */
import type pg from "pg";
import { Activity } from "./activity.ts";
import type { Config } from "./config/config.ts";
import { type ProgramRole, queueConnections, readConnections } from "./config/connections.ts";
import type { Context } from "./context.ts";
import { requireMigrated } from "./migrate.ts";
import type { Log } from "./platform/log.ts";
import { ChangeListener } from "./platform/postgres/change-listener.ts";
import {
  databaseOn,
  detectSessions,
  openPool,
  readLimits,
  untilReachable,
} from "./platform/postgres/database.ts";
import { DatabaseClock } from "./platform/postgres/database-clock.ts";
import { Replica } from "./platform/postgres/replica.ts";
import { sharesMachine } from "./platform/postgres/shares-machine.ts";
import { PgBossQueue } from "./platform/queue/queue.ts";
import { SmtpClient } from "./platform/smtp/smtp-client.ts";
import { noTracing } from "./platform/tracing/tracing.ts";

/** The context of a program. Those of its requests and jobs are made from it. */
export interface OpenContext extends Context {
  readonly queue: PgBossQueue;
  /** Returns unfinished jobs to the queue after `timeoutMs`, then closes every connection. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Waits until the database answers, and starts the queue.
 * @param role `work`: this program also takes jobs; `enqueue`: it only adds them
 * @throws ConfigError if the database is not migrated
 */
export async function openContext(
  config: Config,
  log: Log,
  role: ProgramRole,
  tracing = noTracing,
): Promise<OpenContext> {
  const queueMax = queueConnections(role, config.maxConcurrency);
  const connections = config.databasePoolMax - queueMax;
  const reading = role === "enqueue" ? readConnections(connections) : 0;
  const pool = openPool(config.databaseUrl, connections - reading, log);
  const readPool =
    reading > 0 ? openPool(config.databaseUrl, reading, log, readLimits(config.readTimeoutSeconds)) : pool;
  await untilReachable(pool, log);
  await requireMigrated(pool);
  const replica = await openReplica(config, pool, readPool, readConnections(connections), log);
  const clock = await DatabaseClock.open(pool, log);
  const hasSessions = await detectSessions(pool);
  if (!hasSessions) log.info("the database does not deliver NOTIFY; polling for changes every second");
  const isOnThisMachine = role === "work" && (await sharesMachine(pool));
  const listener = new ChangeListener(config, hasSessions, log);
  const queue = new PgBossQueue(config, role, queueMax, listener, log, tracing);
  await queue.start();
  const smtp = config.mail.server && new SmtpClient(config.mail.server);
  return {
    config,
    db: databaseOn(pool),
    pool,
    reads: { db: databaseOn(readPool), pool: readPool, connections: reading || connections },
    replica,
    queue,
    smtp,
    listener,
    log,
    programLog: log,
    tracing,
    limitedTypes: new Set(),
    activity: new Activity(),
    now: () => clock.now(),
    hasSessions,
    sharesMachine: isOnThisMachine,
    actor: null,
    requestId: null,
    address: null,
    commandLine: null,
    // Only requests share the memory for answers: a command prints one list.
    reserveMemory: async () => {},
    async close(timeoutMs) {
      clock[Symbol.dispose]();
      await listener.close();
      await queue.stop(timeoutMs);
      await smtp?.close();
      await replica?.close();
      await Promise.all(new Set([pool, readPool]).values().map((each) => each.end()));
    },
  };
}

/** @param max as many connections as for other reads */
async function openReplica(
  { databaseReadUrl, databaseReadMaxLagSeconds: maxLagSeconds, readTimeoutSeconds }: Config,
  primary: pg.Pool,
  fallback: pg.Pool,
  max: number,
  log: Log,
): Promise<Replica | null> {
  if (databaseReadUrl === "") return null;
  const standby = openPool(databaseReadUrl, max, log, readLimits(readTimeoutSeconds));
  return Replica.open({ primary, fallback, standby, maxLagSeconds, log });
}
