/** The connection pool and drizzle over it. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { drizzle, type NodePgClient, type NodePgQueryResultHKT } from "drizzle-orm/node-postgres";
import type { PgDatabase } from "drizzle-orm/pg-core";
import pg from "pg";
import type { Config } from "../../config/config.ts";
import type { Log } from "../log.ts";
import { isLockTrouble, isServerTrouble, isUnreachable } from "../sqlstates.ts";

export type Database = PgDatabase<NodePgQueryResultHKT, Record<string, never>>;

/** Limits for every connection, also of the queue: a frozen database must cause an error, never a hang. */
export const connectionLimits = {
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
  statement_timeout: 60_000,
  lock_timeout: 10_000,
  // A limit of the client, because a server that hangs cannot enforce its own.
  query_timeout: 75_000,
} as const;

export function openPool(databaseUrl: string, max: number, log: Log): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: "rowmill",
    max,
    idle_in_transaction_session_timeout: 60_000,
    ...connectionLimits,
  });
  // Without a listener the loss of a busy connection would end the process. Its running statement fails anyway.
  pool.on("connect", (client) => {
    client.on("error", (error) => log.warn({ err: error }, "a database connection was lost"));
  });
  pool.on("error", () => {}); // Idle connections report the loss a second time, here.
  return pool;
}

/** Returns drizzle over a pool, a connection, or any other object with the `query` of node-postgres. */
export function databaseOn(client: NodePgClient): Database {
  return drizzle({ client });
}

/** Runs `fn` under a savepoint of the open transaction. If it throws, only its own changes are rolled back. */
export async function underSavepoint<T>(db: Database, fn: () => Promise<T>): Promise<T> {
  await db.execute(sql`SAVEPOINT attempt`);
  try {
    const result = await fn();
    await db.execute(sql`RELEASE SAVEPOINT attempt`);
    return result;
  } catch (error) {
    await db.execute(sql`ROLLBACK TO SAVEPOINT attempt`);
    await db.execute(sql`RELEASE SAVEPOINT attempt`);
    throw error;
  }
}

/** Returns the PostgreSQL error among the causes of an error, or null. */
export function postgresError(error: unknown): pg.DatabaseError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof pg.DatabaseError) return cause;
  }
  return null;
}

const LOST_CONNECTION_MESSAGES =
  /ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|timeout|[Cc]onnection terminated|not queryable/;

/** Whether the error means that the database is unreachable, not that a statement failed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const known = postgresError(error);
  if (known?.code) return isUnreachable(known.code);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = "code" in cause ? String(cause.code) : "";
    if (LOST_CONNECTION_MESSAGES.test(`${code} ${cause.message}`)) return true;
  }
  return false;
}

/** An error that says nothing about the work, such as one of the database that another process has reported. */
export class TransientError extends Error {
  override name = "TransientError";
}

/** Whether a statement or a connection of the database has failed, and not another service. */
export function isFromDatabase(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof DrizzleQueryError || cause instanceof pg.DatabaseError) return true;
  }
  return false;
}

/**
 * Whether the same work may succeed later, because the error comes from the state of the database or from other
 * transactions. Such errors never use up attempts.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof TransientError) return true;
  const code = postgresError(error)?.code ?? "";
  return isDatabaseUnavailable(error) || isServerTrouble(code) || isLockTrouble(code);
}

/**
 * Checks whether LISTEN works. CockroachDB has no notifications, and a pooler in transaction mode drops them. Behind such
 * a pooler, the process id that the client received at the start differs from that of the server.
 */
export async function hasNotifications(pool: pg.Pool, { databaseBackend }: Pick<Config, "databaseBackend">) {
  if (databaseBackend === "cockroachdb") return false;
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    return "processID" in client && client.processID === rows[0]?.pid;
  } finally {
    client.release();
  }
}

/** Waits until the database answers, without a limit. The backoff grows from 0.25 s to 5 s. */
export async function untilReachable(pool: pg.Pool, log: Log): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await pool.query("SELECT 1");
      return;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      const delayMs = Math.min(5000, 250 * 2 ** attempt);
      log.warn({ err: error, retryInMs: delayMs }, "cannot reach the database; retrying");
      await sleep(delayMs);
    }
  }
}
