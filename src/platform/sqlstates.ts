/** PostgreSQL error codes that Rowmill handles. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const SQLSTATE = {
  connectionFailure: "08006",
  featureNotSupported: "0A000",
  stringTooLong: "22001",
  numberOutOfRange: "22003",
  invalidParameterValue: "22023",
  notNullViolation: "23502",
  foreignKeyViolation: "23503",
  uniqueViolation: "23505",
  checkViolation: "23514",
  exclusionViolation: "23P01",
  readOnlyTransaction: "25006",
  inFailedTransaction: "25P02",
  serializationFailure: "40001",
  insufficientPrivilege: "42501",
  undefinedColumn: "42703",
  deadlockDetected: "40P01",
  insufficientResources: "53000",
  diskFull: "53100",
  outOfMemory: "53200",
  tooManyConnections: "53300",
  configurationLimitExceeded: "53400",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
  internalError: "XX000",
} as const;

/**
 * Another transaction was in the way. A statement that waits for a lock too long may also end at the limit of every
 * statement: `queryCanceled`.
 */
export const LOCK_TROUBLE: ReadonlySet<string> = new Set([
  SQLSTATE.serializationFailure,
  SQLSTATE.deadlockDetected,
  SQLSTATE.lockNotAvailable,
  SQLSTATE.queryCanceled,
]);

/** Whether the database could not do its work, whatever the statement was: it says nothing about the data. */
export function isServerTrouble(sqlstate: string): boolean {
  return isUnreachable(sqlstate) || /^(53|58)/.test(sqlstate) || sqlstate === SQLSTATE.readOnlyTransaction;
}

/** Whether the code means a lost connection, a shutdown, or a server without a free connection. */
export function isUnreachable(sqlstate: string): boolean {
  return /^(08|57P)/.test(sqlstate) || sqlstate === SQLSTATE.tooManyConnections;
}

/** Whether a role could not be taken: it does not exist, or the session may not take it. */
export function isRoleTrouble(sqlstate: string): boolean {
  return sqlstate === SQLSTATE.invalidParameterValue || sqlstate === SQLSTATE.insufficientPrivilege;
}

/**
 * Whether the statement does not fit the database, whatever the data is: a table, a column or a privilege is missing, the
 * table has another kind, or it takes part in a publication that cannot follow updates.
 */
export function isStatementTrouble(sqlstate: string): boolean {
  return /^(42|0A|3F)/.test(sqlstate) || sqlstate === "55000";
}

/** Whether the code is a data exception, whose message quotes the data. */
export function isDataException(sqlstate: string): boolean {
  return sqlstate.startsWith("22");
}
