/** What every verb gets: the resources of the program that it runs in, opened once and closed in reverse. */
import type pg from "pg";
import type { Config } from "./config.ts";
import { type Database, databaseOn, openPool, untilReachable } from "./platform/database.ts";
import type { Log } from "./platform/log.ts";
import { requireMigrated } from "./platform/migrate.ts";
import { PgBossQueue, type Queue, ROOM_FOR_OTHERS } from "./platform/queue.ts";

export interface Context {
  readonly config: Config;
  readonly db: Database;
  /** For what drizzle can't do: COPY. */
  readonly pool: pg.Pool;
  readonly queue: Queue;
  readonly log: Log;
  readonly now: () => Date;
  /** Whether `db` is a transaction that is open already. */
  readonly isTransaction?: boolean;
}

/** Runs `fn` in one transaction: the one that is open, or a new one that commits when `fn` returns. */
export function inTransaction<T>(ctx: Context, fn: (tx: Context) => Promise<T>): Promise<T> {
  if (ctx.isTransaction) return fn(ctx);
  return ctx.db.transaction((db) => fn({ ...ctx, db, isTransaction: true }));
}

export interface OpenContext extends Context {
  readonly queue: PgBossQueue;
  /** Hands back unfinished jobs after `timeoutMs`, then closes every connection. */
  close(timeoutMs: number): Promise<void>;
}

/** Kinds of jobs that hold a connection while they run, each as many as WORKER_CONCURRENCY and one: chunks, and whole batches. */
const TRANSACTIONAL_JOBS = 2;
/** Connections that the queue takes beside one for each job in hand: fetching, heartbeats, supervision. */
const QUEUE_CONNECTIONS = 3;

/**
 * Connects to the database, waiting until it answers, and starts the queue.
 * @param role `work`: this program also takes jobs; `enqueue`: it only adds them
 * @throws ConfigError where the database is not migrated, or DATABASE_POOL_MAX is too small for WORKER_CONCURRENCY
 */
export async function openContext(config: Config, log: Log, role: "enqueue" | "work"): Promise<OpenContext> {
  const jobsInHand = role === "work" ? TRANSACTIONAL_JOBS * (config.workerConcurrency + ROOM_FOR_OTHERS) : 0;
  const queueMax = jobsInHand + QUEUE_CONNECTIONS;
  const pool = openPool(config.databaseUrl, Math.max(2, config.databasePoolMax - queueMax), log);
  await untilReachable(pool, log);
  await requireMigrated(pool);
  const queue = new PgBossQueue(config, config.databaseUrl, role, queueMax, log);
  await queue.start();
  return {
    config,
    db: databaseOn(pool),
    pool,
    queue,
    log,
    now: () => new Date(),
    async close(timeoutMs) {
      await queue.stop(timeoutMs);
      await pool.end();
    },
  };
}
