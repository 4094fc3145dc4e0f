/** The connection pool and drizzle over it. */
import { setTimeout as sleep } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import {
  drizzle,
  type NodePgClient,
  type NodePgQueryResultHKT,
  NodePgSession,
  NodePgTransaction,
} from "drizzle-orm/node-postgres";
import { type PgDatabase, PgDialect } from "drizzle-orm/pg-core";
import pg from "pg";
import { rowmill } from "../../schema/columns.ts";
import type { Log } from "../log.ts";
import { isServerTrouble, isUnreachable, LOCK_TROUBLE, SQLSTATE } from "../sqlstates.ts";

const SCHEMA = rowmill.schemaName;

export type Database = PgDatabase<NodePgQueryResultHKT, Record<string, never>>;

export interface OpenTransaction {
  readonly db: Database;
  /** Functions that run once the transaction has committed; never if what added them was rolled back. */
  readonly afterCommit: (() => void)[];
}

/** Limits for every connection, also of the queue: a frozen database must cause an error, never a hang. */
export const connectionLimits = {
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
  statement_timeout: 60_000,
  lock_timeout: 10_000,
  // A limit of the client, because a server that hangs cannot enforce its own.
  query_timeout: 75_000,
} as const;

/** A server that hangs cannot enforce `statement_timeout`, so the client waits only a little longer than that. */
export const ANSWER_MS = 2000;

/** Limits for statements that clients wait for. */
export function readLimits(seconds: number): Partial<pg.PoolConfig> {
  return {
    connectionTimeoutMillis: 5000,
    statement_timeout: seconds * 1000,
    query_timeout: seconds * 1000 + ANSWER_MS,
  };
}

/** @param limits instead of the limits of other connections */
export function openPool(
  databaseUrl: string,
  max: number,
  log: Log,
  limits: Partial<pg.PoolConfig> = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: "rowmill",
    max,
    idle_in_transaction_session_timeout: 60_000,
    ...connectionLimits,
    ...limits,
  });
  // Without a listener the loss of a busy connection would end the process. Its running statement fails anyway.
  pool.on("connect", (client) => {
    client.on("error", (error) => log.warn({ err: error }, "a database connection was lost"));
  });
  pool.on("error", () => {}); // Idle connections report the loss a second time, here.
  return pool;
}

export type RunQuery = (query: pg.QueryConfig, values?: unknown[]) => Promise<pg.QueryResult>;

/** Returns the pool with another `query`. */
export function withQuery(pool: pg.Pool, query: RunQuery): pg.Pool {
  return new Proxy(pool, {
    get(target, name) {
      if (name === "query") return query;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Returns drizzle over a pool, a connection, or any other object with the `query` of node-postgres. */
export function databaseOn(client: NodePgClient): Database {
  return drizzle({ client });
}

/** Like `databaseOn` for a client whose transaction is open: a transaction in it is a savepoint, and its end does not commit. */
export function transactionOn(client: NodePgClient): Database {
  const dialect = new PgDialect();
  return new NodePgTransaction(dialect, new NodePgSession(client, dialect, undefined), undefined);
}

/**
 * Runs `fn` under a savepoint of the open transaction. If it throws, only its own changes are rolled back, and what it wanted to do after
 * the commit is dropped.
 * @param lockTimeout instead of that of the connection, while `fn` runs
 */
export async function underSavepoint<T>(
  { db, afterCommit }: OpenTransaction,
  fn: () => Promise<T>,
  lockTimeout?: `${number}ms`,
): Promise<T> {
  const begin = sql`SAVEPOINT attempt`;
  const release = sql`RELEASE SAVEPOINT attempt`;
  const kept = afterCommit.length;
  // Several statements in one round trip. A rollback restores the setting.
  await db.execute(lockTimeout ? sql`${begin}; ${setLockTimeout(lockTimeout)}` : begin);
  try {
    const result = await fn();
    await db.execute(lockTimeout ? sql`${setLockTimeout("DEFAULT")}; ${release}` : release);
    return result;
  } catch (error) {
    afterCommit.splice(kept);
    await db.execute(sql`ROLLBACK TO SAVEPOINT attempt`);
    await db.execute(release);
    throw error;
  }
}

/**
 * Sets the limit until the end of the transaction. Citus locks rows on its nodes, and passes the limit on to them only with the first of
 * the two settings, and only from SET LOCAL. Other databases ignore that setting.
 */
export function setLockTimeout(value: "DEFAULT" | `${number}ms`): SQL {
  const limit = value === "DEFAULT" ? value : `'${value}'`;
  return sql.raw(`SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL lock_timeout = ${limit}`);
}

/** Returns the PostgreSQL error among the causes of an error, or null. All readers of codes and constraints use it. */
export function postgresError(error: unknown): pg.DatabaseError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof pg.DatabaseError) return fromShard(cause);
  }
  return null;
}

/** How Citus reports a taken key of a distributed table: with the number of the shard, and often with the code of an internal error. */
const TAKEN_IN_SHARD = /duplicate key value violates unique constraint "(\w+?)_(\d{6,})"/;

/** Errors to which Citus gives the code of an internal error, as it does with all errors of rows that it copies to a node. */
const HIDDEN_CODES = [
  [
    /connection to the remote node|could not establish connection|connection marked as essential|any active placements|terminating connection/,
    SQLSTATE.connectionFailure,
  ],
  [/^deadlock detected/, SQLSTATE.deadlockDetected],
  [/^canceling statement due to lock timeout/, SQLSTATE.lockNotAvailable],
  [/^canceling statement due to statement timeout/, SQLSTATE.queryCanceled],
  [/No space left on device/, SQLSTATE.diskFull],
  [/modified in this transaction by a different user/, SQLSTATE.featureNotSupported],
] as const;

/** The routine of Citus that reports the errors of nodes, with their code and context, and without table and constraint. */
const REPORTED_BY_CITUS = "ReportResultError";

/** Returns the error as one PostgreSQL server would report it. */
function fromShard(error: pg.DatabaseError): pg.DatabaseError {
  const isInternal = error.code === SQLSTATE.internalError;
  const [, code] = (isInternal && HIDDEN_CODES.find(([message]) => message.test(error.message))) || [];
  if (code) return Object.create(error, { code: { value: code } }) as pg.DatabaseError;
  const isFromNode = isInternal || error.routine === REPORTED_BY_CITUS;
  if (!isFromNode && !(error.code === SQLSTATE.uniqueViolation && error.schema === SCHEMA)) return error;
  const [, name, shard] = TAKEN_IN_SHARD.exec(error.message) ?? [];
  if (!name || (!isFromNode && !error.table?.endsWith(`_${shard}`))) return error;
  return Object.create(error, {
    code: { value: SQLSTATE.uniqueViolation },
    constraint: { value: name },
  }) as pg.DatabaseError;
}

/** The routine of PostgreSQL that reports the errors which functions raise. */
const RAISED_BY_A_FUNCTION = "exec_stmt_raise";

/** In the first line of the context, in any language. */
const RAISED_ON_NODE = /^[^\n]*PL\/pgSQL[^\n]* RAISE\n/;

/** Whether a function, such as that of a trigger, has raised the error, whatever its code is. */
export function isRaisedByFunction({ routine, where = "" }: pg.DatabaseError): boolean {
  return routine === RAISED_BY_A_FUNCTION || (routine === REPORTED_BY_CITUS && RAISED_ON_NODE.test(where));
}

/**
 * Whether the error means that another transaction was in the way. The same statements succeed later, so the data is not
 * at fault. A function that raises one of these codes speaks about the data that it was called with.
 */
export function isLockTrouble(error: unknown): boolean {
  const known = postgresError(error);
  return LOCK_TROUBLE.has(known?.code ?? "") && !(known && isRaisedByFunction(known));
}

/** Messages of node-postgres, which has no codes, and codes of the network. */
const LOST_CONNECTION =
  /ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|Connection terminated|is not queryable/;
const TIMEOUT = /Query read timeout/;
const POOL_EXHAUSTED = /timeout exceeded when trying to connect/;

/** Whether the error means that the database is unreachable or does not answer, not that a statement failed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const known = postgresError(error);
  if (known?.code) return isUnreachable(known.code);
  return has(error, LOST_CONNECTION) || isTimeout(error) || isPoolExhausted(error);
}

/** Whether the client gave up waiting for an answer of the database. */
export function isTimeout(error: unknown): boolean {
  return has(error, TIMEOUT);
}

/** Whether no connection of the pool became free in time. */
export function isPoolExhausted(error: unknown): boolean {
  return has(error, POOL_EXHAUSTED);
}

function has(error: unknown, text: RegExp): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (text.test(`${"code" in cause ? cause.code : ""} ${cause.message}`)) return true;
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
 * transactions. Such errors never use up attempts. A statement that took too long does: it may take as long every time.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof TransientError) return true;
  const code = postgresError(error)?.code ?? "";
  const isLocked = isLockTrouble(error) && code !== SQLSTATE.queryCanceled;
  return isDatabaseUnavailable(error) || isServerTrouble(code) || isLocked;
}

/**
 * Whether the client has a session of its own, so that LISTEN and SET work. A pooler in transaction mode has none: the process id that
 * the client received at the start differs from that of the server.
 */
export async function hasSession(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return "processID" in client && client.processID === rows[0]?.pid;
}

export async function detectSessions(pool: pg.Pool): Promise<boolean> {
  const client = await pool.connect();
  try {
    return await hasSession(client);
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
