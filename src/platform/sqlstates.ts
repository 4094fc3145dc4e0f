/** PostgreSQL error codes that Rowmill handles. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const SQLSTATE = {
  uniqueViolation: "23505",
  checkViolation: "23514",
  readOnlyTransaction: "25006",
  inFailedTransaction: "25P02",
  serializationFailure: "40001",
  deadlockDetected: "40P01",
  insufficientResources: "53000",
  diskFull: "53100",
  outOfMemory: "53200",
  tooManyConnections: "53300",
  configurationLimitExceeded: "53400",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
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

/** Whether the code is a data exception, whose message quotes the data. */
export function isDataException(sqlstate: string): boolean {
  return sqlstate.startsWith("22");
}
