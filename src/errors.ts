/** Errors of the domain. They have a code and no HTTP status; platform/http/errors.ts maps codes to statuses. */
export type ErrorCode =
  | "invalid_input"
  | "unauthenticated"
  | "forbidden"
  | "account_disabled"
  | "not_found"
  | "conflict"
  | "key_reused"
  | "too_slow"
  | "too_large"
  | "unsupported_media_type"
  | "too_many_attempts"
  | "too_many_requests"
  | "unavailable";

/** Maps the name of a field to its problems, as in the `field_errors` of an answer. */
export type FieldErrors = Record<string, string[]>;

export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly fieldErrors: FieldErrors;
  /** Seconds to wait before the next attempt, as in the header `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: { fieldErrors?: FieldErrors; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = "DomainError";
    this.code = code;
    this.fieldErrors = details.fieldErrors ?? {};
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** @param message follows the name of the field: "limit: must be at most 1000" */
export function invalidField(field: string, message: string, cause?: unknown): DomainError {
  const fieldErrors = { [field]: [message] };
  return new DomainError("invalid_input", `${field}: ${message}`, { fieldErrors, cause });
}

/** Does not reveal whether the thing exists and belongs to another user. */
export function notFound(noun: string): DomainError {
  return new DomainError("not_found", `No such ${noun}, or it is not yours.`);
}

/** Stops a program or a command. Its message is printed as one line and names the setting or the argument. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Task types and row-wise targets throw this if a retry cannot succeed, for example for an invalid file or value.
 * `code` is for programs, the message for people.
 */
export class Permanent extends Error {
  override name = "Permanent";
  readonly code: string;
  /** The column with the problem; null for a task, or if the problem is the row as a whole. */
  readonly column: string | null;

  constructor(
    code: string,
    message: string,
    { column, ...options }: ErrorOptions & { column?: string } = {},
  ) {
    super(message, options);
    this.code = code;
    this.column = column ?? null;
  }
}

/** Task types and row-wise targets throw this if a later attempt may succeed. */
export class Retryable extends Error {
  override name = "Retryable";
  readonly code: string;
  /** Seconds to wait at least; undefined: the usual backoff. */
  readonly afterSeconds: number | undefined;
  /** Whether a task waits exactly that long, instead of at least the usual backoff. */
  readonly isExact: boolean;

  constructor(
    code: string,
    message: string,
    {
      afterSeconds,
      isExact = false,
      ...options
    }: ErrorOptions & { afterSeconds?: number; isExact?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.afterSeconds = afterSeconds;
    this.isExact = isExact;
  }
}

/**
 * Row-wise targets throw this if a service cannot take a row now, for example because it is down. The row is handled again
 * later, for as long as the target throws this. It does not count as an attempt.
 */
export class MustWait extends Error {
  override name = "MustWait";
  readonly code: string;
  readonly afterSeconds: number;
  /** Whether the service can take no row, so that trying the next one is pointless. */
  readonly isForAll: boolean;

  constructor(
    code: string,
    message: string,
    { afterSeconds, isForAll = false }: { afterSeconds: number; isForAll?: boolean },
  ) {
    super(message);
    this.code = code;
    this.afterSeconds = afterSeconds;
    this.isForAll = isForAll;
  }
}

/**
 * Targets throw this if no row can succeed until somebody changes something outside of the file, such as a missing privilege
 * or a wrong password. Rowmill pauses the batch with the message as its reason, instead of failing every row.
 */
export class MustPause extends Error {
  override name = "MustPause";
}

/** Task types throw this to wait: the attempt continues later with `state` and needs no worker meanwhile. */
export class ContinueLater extends Error {
  override name = "ContinueLater";
  readonly afterSeconds: number;
  /** JSON, which the type receives as `input.state`. */
  readonly state: unknown;
  /** Whether the task counts as one that its user has running meanwhile. */
  readonly isCounted: boolean;

  constructor(afterSeconds: number, state: unknown, { isCounted = true } = {}) {
    super(`The attempt continues after ${afterSeconds} s.`);
    this.afterSeconds = afterSeconds;
    this.state = state;
    this.isCounted = isCounted;
  }
}

/**
 * For changes of all that match: the caller has counted them before.
 * @throws DomainError `conflict` if the numbers differ
 */
export function requireExpected(matched: number, expected: number): void {
  if (matched === expected) return;
  const message = `\`expect\` is ${expected}, but ${matched} match. To change all of them, send ${matched} as \`expect\`.`;
  throw new DomainError("conflict", message);
}
