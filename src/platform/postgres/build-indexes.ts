/**
 * Builds indexes of large tables while programs use them. A migration is one transaction, which would lock writers out for as
 * long. So an index that a migration creates with IF NOT EXISTS is built before that transaction, which then does not build it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { ConfigError } from "../../errors.ts";
import type { Log } from "../log.ts";
import { SQLSTATE } from "../sqlstates.ts";
import { hasSession, postgresError } from "./database.ts";
import { liftTimeLimits } from "./time-limits.ts";

interface Index {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  /** The statement without its beginning, for example: ON rowmill.books USING btree (user_id, id). */
  readonly definition: string;
  readonly isUnique: boolean;
}

const CREATE_INDEX =
  /^\s*(?:--[^\n]*\n\s*)*CREATE (?<unique>UNIQUE )?INDEX IF NOT EXISTS "(?<name>\w+)" (?<definition>ON "(?<schema>\w+)"\."(?<table>\w+)" [^;]+);?\s*$/;

/** The key of the lock that lets only one process build indexes: "rowi" in ASCII. */
const BUILD_LOCK = 0x726f7769;
const RETRY_MS = 250;

/**
 * Safe to repeat, and to run twice at the same time. Behind a pooler, the time limits of the role hold for each index.
 * @param client one that is not in a transaction
 * @param connect opens another connection to the same database
 * @param statements those of the migrations that the database lacks
 * @throws ConfigError if an index takes longer than the role may
 */
export async function buildIndexes(
  client: pg.Client,
  connect: () => Promise<pg.Client>,
  statements: readonly string[],
  log: Log,
): Promise<void> {
  const indexes = statements.flatMap(indexOf);
  if ((await missingOf(client, indexes)).length === 0) return;
  const keeper = await connect();
  try {
    await lockBuilds(keeper, log);
    if (await hasSession(client)) await liftTimeLimits(client, "session");
    for (const index of await missingOf(client, indexes)) await build(client, index, log);
    for (const table of await unknownTables(client, indexes)) await client.query(`ANALYZE ${table}`);
  } finally {
    await keeper.end();
  }
}

/**
 * Waits for the lock, and leaves the client in a transaction that holds it. Behind a pooler, a lock of a session would be left in a
 * session that the next statement no longer gets. An idle transaction has no snapshot, for which the build would wait; one that waits
 * inside pg_advisory_xact_lock has.
 */
async function lockBuilds(client: pg.Client, log: Log): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    await liftTimeLimits(client);
    // A statement with parameters would keep its snapshot until the next one.
    const { rows } = await client.query<{ isLocked: boolean }>(
      `SELECT pg_try_advisory_xact_lock(${BUILD_LOCK}) AS "isLocked"`,
    );
    if (rows[0]?.isLocked) return;
    await client.query("ROLLBACK");
    if (isFirst) log.info("another migration builds indexes; waiting until it has ended");
    await sleep(RETRY_MS);
  }
}

/** Returns the tables of indexes over expressions. PostgreSQL has no statistics of an expression until the table is analyzed. */
async function unknownTables(client: pg.Client, indexes: readonly Index[]): Promise<string[]> {
  const { rows } = await client.query<{ table: string }>(
    `SELECT DISTINCT indrelid::regclass::text AS "table" FROM unnest($1::text[], $2::text[]) AS built (schema, name)
    JOIN pg_index ON indexrelid = to_regclass(format('%I.%I', schema, name)) WHERE indexprs IS NOT NULL`,
    [indexes.map(({ schema }) => schema), indexes.map(({ name }) => name)],
  );
  return rows.map(({ table }) => table);
}

function indexOf(statement: string): Index[] {
  const { schema, name, table, definition, unique } = CREATE_INDEX.exec(statement)?.groups ?? {};
  if (!schema || !name || !table || !definition) return [];
  return [{ schema, name, table, definition, isUnique: unique !== undefined }];
}

interface MissingIndex extends Index {
  /** Whether an interrupted build has left it. */
  readonly isInvalid: boolean;
}

/** Returns the names of the indexes of these statements that no program can use. */
export async function missingIndexes(
  client: Pick<pg.Client, "query">,
  statements: readonly string[],
): Promise<string[]> {
  return (await missingOf(client, statements.flatMap(indexOf))).map(({ name }) => name);
}

/** Leaves out the indexes of tables that do not exist yet. */
async function missingOf(
  client: Pick<pg.Client, "query">,
  indexes: readonly Index[],
): Promise<MissingIndex[]> {
  const { rows } = await client.query<{ name: string; isInvalid: boolean }>(
    `SELECT name, indexrelid IS NOT NULL AS "isInvalid"
    FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (schema, name, "table")
    LEFT JOIN pg_index ON indexrelid = to_regclass(format('%I.%I', schema, name))
    WHERE to_regclass(format('%I.%I', schema, "table")) IS NOT NULL AND indisvalid IS NOT TRUE`,
    [indexes.map(({ schema }) => schema), indexes.map(({ name }) => name), indexes.map(({ table }) => table)],
  );
  return indexes.flatMap((index) => {
    const found = rows.find(({ name }) => name === index.name);
    return found ? [{ ...index, isInvalid: found.isInvalid }] : [];
  });
}

async function build(client: pg.Client, index: MissingIndex, log: Log): Promise<void> {
  const { schema, name, table, definition, isUnique, isInvalid } = index;
  if (isInvalid) await client.query(`DROP INDEX CONCURRENTLY ${schema}.${name}`);
  log.info({ index: name, table }, "building an index; programs can go on");
  try {
    await client.query(`CREATE ${isUnique ? "UNIQUE " : ""}INDEX CONCURRENTLY ${name} ${definition}`);
  } catch (error) {
    const code = postgresError(error)?.code;
    if (code === SQLSTATE.queryCanceled || code === SQLSTATE.lockNotAvailable) {
      throw new ConfigError(
        `DATABASE_URL: building the index ${name} took longer than statement_timeout or lock_timeout of the role allow. Migrate with an address that leads to PostgreSQL itself and not to a pooler.`,
        { cause: error },
      );
    }
    // Another migration that the database lacks adds the column.
    if (code !== SQLSTATE.undefinedColumn) throw error;
  }
}
