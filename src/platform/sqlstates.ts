/** The error codes of PostgreSQL that Rowmill acts on. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const SQLSTATE = {
  uniqueViolation: "23505",
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

/** Connection exceptions, shutdowns, and a server without a free connection. */
export function saysUnreachable(sqlstate: string): boolean {
  return /^(08|57P)/.test(sqlstate) || sqlstate === SQLSTATE.tooManyConnections;
}

/** Data exceptions. Their messages quote the data. */
export function isDataException(sqlstate: string): boolean {
  return sqlstate.startsWith("22");
}
