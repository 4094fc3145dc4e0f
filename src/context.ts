/** What every verb gets: the resources of the program that it runs in, opened once and closed in reverse. */
import { type SQL, sql } from "drizzle-orm";
import type pg from "pg";
import type { Config } from "./config.ts";
import { requireMigrated } from "./migrate.ts";
import type { Log } from "./platform/log.ts";
import { ChangeListener } from "./platform/postgres/change-listener.ts";
import {
  type Database,
  databaseOn,
  hasNotifications,
  openPool,
  untilReachable,
} from "./platform/postgres/database.ts";
import { PgBossQueue, type Queue, ROOM_FOR_OTHERS } from "./platform/queue/queue.ts";

export interface Context {
  readonly config: Config;
  readonly db: Database;
  /** For what drizzle can't do: COPY. */
  readonly pool: pg.Pool;
  readonly queue: Queue;
  /** Hears what other processes tell, and what this one does. */
  readonly listener: ChangeListener;
  readonly log: Log;
  readonly now: () => Date;
  /** Whether `db` is a transaction that is open already. */
  readonly isTransaction?: boolean;
  /** What this process does once that has committed. */
  readonly afterCommit?: (() => void)[];
}

/** Runs `fn` in one transaction: the one that is open, or a new one that commits when `fn` returns. */
export async function inTransaction<T>(ctx: Context, fn: (tx: Context) => Promise<T>): Promise<T> {
  if (ctx.isTransaction) return fn(ctx);
  const afterCommit: (() => void)[] = [];
  const result = await ctx.db.transaction((db) => fn({ ...ctx, db, isTransaction: true, afterCommit }));
  for (const act of afterCommit) act();
  return result;
}

const DAY_MS = 86_400_000;

/** What ended before this moment is kept no longer. */
export function retentionLimit({ config, now }: Pick<Context, "config" | "now">): Date {
  return new Date(now().getTime() - config.retentionDays * DAY_MS);
}

/**
 * Tells every process, when the transaction commits, that something of this channel has changed; this one before the
 * commit is known to whoever asked for it, the others within milliseconds.
 */
export async function publishChange(
  tx: Context,
  channel: string,
  payloads: readonly string[],
): Promise<void> {
  if (payloads.length === 0) return;
  publishLocally(tx, channel, payloads);
  await tx.db.execute(sql`
    SELECT ${changeExpression(tx, channel, sql`payload`)} FROM unnest(${sql.param([...payloads])}::text[]) AS payload`);
}

/** The expression that tells the other processes, for a statement that changes what it tells of. */
export function changeExpression({ config }: Context, channel: string, payload: SQL): SQL {
  // It has no notifications: those who listen look for themselves (platform/notify-listener.ts).
  if (config.databaseBackend === "cockroachdb") return sql`NULL`;
  return sql`pg_notify(${channel}, ${payload})`;
}

/** The part of it that is for this process: at the commit; where no transaction is open, at once. */
export function publishLocally(ctx: Context, channel: string, payloads: readonly string[]): void {
  const wake = () => {
    for (const payload of payloads) ctx.listener.wake(channel, payload);
  };
  if (!ctx.isTransaction) wake();
  else ctx.afterCommit?.push(wake);
}

export interface OpenContext extends Context {
  readonly queue: PgBossQueue;
  /** Hands back unfinished jobs after `timeoutMs`, then closes every connection. */
  close(timeoutMs: number): Promise<void>;
}

/** Kinds of jobs that hold a connection while they run, each as many as are taken at a time and one: chunks, and whole batches. */
const TRANSACTIONAL_JOBS = 2;
/** Connections that the queue takes beside one for each job in hand: fetching, heartbeats, supervision. */
const QUEUE_CONNECTIONS = 3;

/**
 * Connects to the database, waiting until it answers, and starts the queue.
 * @param role `work`: this program also takes jobs; `enqueue`: it only adds them
 * @throws ConfigError where the database is not migrated, or DATABASE_POOL_MAX is too small for WORKER_CONCURRENCY
 */
export async function openContext(config: Config, log: Log, role: "enqueue" | "work"): Promise<OpenContext> {
  const jobsInHand = role === "work" ? TRANSACTIONAL_JOBS * (config.maxConcurrency + ROOM_FOR_OTHERS) : 0;
  const queueMax = jobsInHand + QUEUE_CONNECTIONS;
  const pool = openPool(config.databaseUrl, Math.max(2, config.databasePoolMax - queueMax), log);
  await untilReachable(pool, log);
  await requireMigrated(pool);
  const canListen = await hasNotifications(pool, config);
  if (!canListen) log.info("the database passes on no notifications: changes are polled for every second");
  const queue = new PgBossQueue(config, config.databaseUrl, role, queueMax, canListen, log);
  await queue.start();
  const listener = new ChangeListener(config, canListen, log);
  return {
    config,
    db: databaseOn(pool),
    pool,
    queue,
    listener,
    log,
    now: () => new Date(),
    async close(timeoutMs) {
      await listener.close();
      await queue.stop(timeoutMs);
      await pool.end();
    },
  };
}
