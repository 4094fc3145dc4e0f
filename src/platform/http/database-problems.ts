/** Explains why the database cannot serve a request right now. */
import { isDatabaseUnavailable, isPoolExhausted, isTimeout, postgresError } from "../postgres/database.ts";
import { SQLSTATE } from "../sqlstates.ts";

interface DatabaseProblem {
  /** For the log. */
  readonly title: string;
  readonly level: "warn" | "error";
  /** For the client. */
  readonly detail: string;
}

const BUSY: DatabaseProblem = {
  title: "no database connection became free",
  level: "error",
  detail: "All database connections of the service are in use (DATABASE_POOL_MAX). Try again in a moment.",
};

const TOO_LONG: DatabaseProblem = {
  title: "a statement took too long",
  level: "warn",
  detail:
    "The database needed too long for this request (READ_TIMEOUT_SECONDS for GET). Ask for less: add filters, choose a " +
    "shorter period, or request fewer items.",
};

const UNREACHABLE: DatabaseProblem = {
  title: "cannot reach the database",
  level: "error",
  detail: "The database is unreachable right now. Try again in a moment.",
};

const CONFLICT: DatabaseProblem = {
  title: "another transaction was in the way",
  level: "warn",
  detail: "Another request or job is changing the same data. Try again in a moment.",
};

const KNOWN: ReadonlyMap<string | undefined, DatabaseProblem> = new Map([
  [SQLSTATE.lockNotAvailable, { ...CONFLICT, title: "timed out waiting for a lock" }],
  [SQLSTATE.deadlockDetected, CONFLICT],
  [SQLSTATE.serializationFailure, CONFLICT],
  [SQLSTATE.queryCanceled, TOO_LONG],
  [
    SQLSTATE.readOnlyTransaction,
    {
      title: "the database is read-only",
      level: "error",
      detail: "The database is read-only right now, so nothing was changed. Reads work. Try again later.",
    },
  ],
  [
    SQLSTATE.diskFull,
    {
      title: "the disk of the database is full",
      level: "error",
      detail: "The disk of the database is full, so nothing was stored. Reads work. Try again later.",
    },
  ],
  [
    SQLSTATE.outOfMemory,
    {
      title: "the database has no memory left",
      level: "error",
      detail: "The database has no memory left for this request. Try again in a moment.",
    },
  ],
]);

/** Returns null if the error has another cause. */
export function databaseProblem(error: unknown): DatabaseProblem | null {
  const known = KNOWN.get(postgresError(error)?.code);
  if (known) return known;
  if (isPoolExhausted(error)) return BUSY;
  if (isTimeout(error)) return { ...TOO_LONG, title: "the database does not answer", level: "error" };
  return isDatabaseUnavailable(error) ? UNREACHABLE : null;
}
