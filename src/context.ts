/** What every verb gets: the resources of the program that it runs in, opened once and closed in reverse. */
import { type SQL, sql } from "drizzle-orm";
import type pg from "pg";
import type { Config } from "./config.ts";
import { type ProgramRole, queueConnections } from "./connections.ts";
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
import { PgBossQueue, type Queue } from "./platform/queue/queue.ts";
import type { Caller } from "./schema/accounts.ts";

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
  /** Whether a connection keeps its session between transactions. A pooler does not: no LISTEN, no named statements. */
  readonly hasSessions: boolean;
  /** The user who acts; null: the service itself, or a client that has not logged in. */
  readonly actor: Caller | null;
  /** The id of the request or the job; null outside of both. */
  readonly requestId: string | null;
}

/** The user who acts, for verbs that record one and that the service never calls by itself. */
export function requireActor({ actor }: Context): Caller {
  if (!actor) throw new Error("Only a user can do this.");
  return actor;
}

/** A context whose `db` is an open transaction. Verbs that need one take this, so they cannot be called without. */
export interface Tx extends Context {
  /** What this process does once the transaction has committed; nothing of it runs after a rollback. */
  readonly afterCommit: (() => void)[];
}

function isTx(ctx: Context | Tx): ctx is Tx {
  return "afterCommit" in ctx;
}

/** Runs `fn` in one transaction: the one that is open, or a new one that commits when `fn` returns. */
export async function inTransaction<T>(ctx: Context | Tx, fn: (tx: Tx) => Promise<T>): Promise<T> {
  if (isTx(ctx)) return fn(ctx);
  const afterCommit: (() => void)[] = [];
  const result = await ctx.db.transaction((db) => fn({ ...ctx, db, afterCommit }));
  for (const act of afterCommit) act();
  return result;
}

const DAY_MS = 86_400_000;

/** What ended before this moment is kept no longer. */
export function retentionLimit({ config, now }: Pick<Context, "config" | "now">): Date {
  return new Date(now().getTime() - config.retentionDays * DAY_MS);
}

/**
 * Tells every process, when the transaction commits, that something of this channel has changed. This process hears it
 * before the commit returns to the caller, the others within milliseconds.
 */
export async function publishChange(tx: Tx, channel: string, payloads: readonly string[]): Promise<void> {
  if (payloads.length === 0) return;
  publishLocally(tx, channel, payloads);
  await tx.db.execute(sql`
    SELECT ${changeExpression(tx, channel, sql`payload`)} FROM unnest(${sql.param([...payloads])}::text[]) AS payload`);
}

/**
 * The expression that tells the other processes, for a statement that makes the change. It needs no transaction around
 * it. Call `publishLocally` once the statement has run.
 */
export function changeExpression({ config }: Context, channel: string, payload: SQL): SQL {
  // CockroachDB has no NOTIFY: there, listeners poll (platform/postgres/change-listener.ts).
  if (config.databaseBackend === "cockroachdb") return sql`NULL`;
  return sql`pg_notify(${channel}, ${payload})`;
}

/** Tells this process: at the commit in a transaction, at once without one, since the statement has committed. */
export function publishLocally(ctx: Context | Tx, channel: string, payloads: readonly string[]): void {
  const wake = () => {
    for (const payload of payloads) ctx.listener.wake(channel, payload);
  };
  if (isTx(ctx)) ctx.afterCommit.push(wake);
  else wake();
}

export interface OpenContext extends Context {
  readonly queue: PgBossQueue;
  /** Hands back unfinished jobs after `timeoutMs`, then closes every connection. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Connects to the database, waiting until it answers, and starts the queue.
 * @param role `work`: this program also takes jobs; `enqueue`: it only adds them
 * @throws ConfigError if the database is not migrated
 */
export async function openContext(config: Config, log: Log, role: ProgramRole): Promise<OpenContext> {
  const queueMax = queueConnections(role, config.maxConcurrency);
  const pool = openPool(config.databaseUrl, config.databasePoolMax - queueMax, log);
  await untilReachable(pool, log);
  await requireMigrated(pool);
  const hasSessions = await hasNotifications(pool, config);
  if (!hasSessions) log.info("the database passes on no notifications: changes are polled for every second");
  const queue = new PgBossQueue(config, config.databaseUrl, role, queueMax, hasSessions, log);
  await queue.start();
  const listener = new ChangeListener(config, hasSessions, log);
  return {
    config,
    db: databaseOn(pool),
    pool,
    queue,
    listener,
    log,
    now: () => new Date(),
    hasSessions,
    actor: null,
    requestId: null,
    async close(timeoutMs) {
      await listener.close();
      await queue.stop(timeoutMs);
      await pool.end();
    },
  };
}
