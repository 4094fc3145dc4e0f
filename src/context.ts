/** The context that every verb receives: the resources of its program, who acts, and the open transaction. */
import { type SQL, sql } from "drizzle-orm";
import type pg from "pg";
import type { Activity } from "./activity.ts";
import type { Config } from "./config/config.ts";
import { runAll } from "./platform/callbacks.ts";
import type { Log } from "./platform/log.ts";
import type { ChangeListener } from "./platform/postgres/change-listener.ts";
import type { Database, OpenTransaction } from "./platform/postgres/database.ts";
import type { Replica } from "./platform/postgres/replica.ts";
import type { Queue } from "./platform/queue/queue.ts";
import type { SmtpClient } from "./platform/smtp/smtp-client.ts";
import type { Tracing } from "./platform/tracing/tracing.ts";
import type { Actor } from "./schema/accounts.ts";

/** The connections of reads. */
interface Reads extends Pick<Context, "db" | "pool"> {
  readonly connections: number;
}

export interface Context {
  readonly config: Config;
  readonly db: Database;
  /** For COPY, which drizzle cannot do. */
  readonly pool: pg.Pool;
  /** For reads that a client waits for: their time limit is short, and they cannot take every connection. */
  readonly reads: Reads;
  /** For reads that may show a state of some seconds ago; null: DATABASE_READ_URL is not set. */
  readonly replica: Replica | null;
  readonly queue: Queue;
  /** null: no mail server is configured. */
  readonly smtp: SmtpClient | null;
  /** Receives the changes that this process and all others publish. */
  readonly listener: ChangeListener;
  readonly log: Log;
  /** Without the id of a request or a job, for work that several of them share. */
  readonly programLog: Log;
  readonly tracing: Tracing;
  /** The task types that have a limit. Only workers know them. */
  readonly limitedTypes: Set<string>;
  /** Emits an event for each thing that this process does. */
  readonly activity: Activity;
  /** The time of the database, so that all processes agree. */
  readonly now: () => Date;
  /** Whether a connection keeps its session between transactions. A pooler does not: no LISTEN, no named statements. */
  readonly hasSessions: boolean;
  /** Whether the database takes the cores of this machine. */
  readonly sharesMachine: boolean;
  /** The user who acts; null: Rowmill itself, or a client without a login. */
  readonly actor: Actor | null;
  /** The id of the request or the job; null outside both. */
  readonly requestId: string | null;
  /** The address of the client of the request; null outside of requests. */
  readonly address: string | null;
  /** The user and the host that run a command, such as `ada@db-1`; null in the API and in workers. */
  readonly commandLine: string | null;
  /** Waits until the answer to the request may use this many bytes, instead of those reserved before. */
  readonly reserveMemory: (bytes: number) => Promise<void>;
}

/** Returns the user who acts, for verbs that only users call. @throws Error if nobody has logged in */
export function requireActor({ actor }: Context): Actor {
  if (!actor) throw new Error("Only a user can do this.");
  return actor;
}

/** Returns a context for work that jobs share: nothing in it belongs to one of them. */
export function sharedContext(ctx: Context): Context {
  return { ...ctx, log: ctx.programLog, requestId: null };
}

/** A context whose `db` is an open transaction. A verb that takes a `Tx` cannot be called without a transaction. */
export interface Tx extends Context, OpenTransaction {}

function isTx(ctx: Context | Tx): ctx is Tx {
  return "afterCommit" in ctx;
}

/** Runs `fn` in the open transaction, or in a new one that commits when `fn` returns. */
export async function inTransaction<T>(ctx: Context | Tx, fn: (tx: Tx) => Promise<T>): Promise<T> {
  if (isTx(ctx)) return fn(ctx);
  const afterCommit: (() => void)[] = [];
  const result = await ctx.db.transaction((db) => fn({ ...ctx, db, afterCommit }));
  runAll(afterCommit, ctx.log);
  return result;
}

/** Runs reads in a transaction. If it fails on the standby, it is repeated on the database itself. */
export function readInTransaction<T>(ctx: Context, fn: (tx: Tx) => Promise<T>): Promise<T> {
  return repeatedReads(ctx, (one) => inTransaction(one, fn));
}

/** Runs reads that belong together. If they fail on the standby, all of them are repeated on the database itself. */
export async function repeatedReads<T>(ctx: Context, read: (ctx: Context) => Promise<T>): Promise<T> {
  try {
    return await read(ctx);
  } catch (error) {
    if (!ctx.replica?.hasFailed(ctx.pool, error)) throw error;
    const { db, pool } = ctx.reads;
    return read({ ...ctx, db, pool });
  }
}

/** Longer than any transaction takes from the time that it records to its commit. */
const SETTLED_MS = 60_000;

/**
 * Returns a context that reads from the standby, if there is one and it shows the data that is read.
 * @param changedAt when that data changed last
 */
export function onReplica(ctx: Context, changedAt: Date | null): Context {
  const { replica } = ctx;
  if (!replica || !changedAt) return ctx;
  const shownUntil = ctx.now().getTime() - replica.lagSeconds * 1000;
  const isShown = changedAt.getTime() < shownUntil - SETTLED_MS;
  const reads = isShown ? replica.readsFor(ctx.actor?.id ?? null) : null;
  return reads ? { ...ctx, ...reads } : ctx;
}

/**
 * Publishes changes to the listeners of a channel in all processes when the transaction commits. This process receives
 * them before `inTransaction` returns, the others within milliseconds.
 */
export async function publishChange(tx: Tx, channel: string, payloads: readonly string[]): Promise<void> {
  if (payloads.length === 0) return;
  publishLocally(tx, channel, payloads);
  await tx.db.execute(sql`
    SELECT ${changeExpression(channel, sql`payload`)} FROM unnest(${sql.param([...payloads])}::text[]) AS payload`);
}

/**
 * Returns an SQL expression that publishes a change to the other processes, as a part of the statement that makes the
 * change. This saves a transaction. Call `publishLocally` after the statement.
 */
export function changeExpression(channel: string, payload: SQL): SQL {
  return sql`pg_notify(${channel}, ${payload})`;
}

/** Publishes changes to this process: in a transaction when it commits, otherwise at once. */
export function publishLocally(ctx: Context | Tx, channel: string, payloads: readonly string[]): void {
  const wake = () => {
    for (const payload of payloads) ctx.listener.wake(channel, payload);
  };
  if (isTx(ctx)) ctx.afterCommit.push(wake);
  else wake();
}
