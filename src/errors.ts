/** Domain errors: a code and what it is about, no HTTP status. platform/http/errors.ts maps codes to statuses. */
export type ErrorCode =
  | "invalid_input"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "key_reused"
  | "too_large"
  | "unsupported_media_type"
  | "too_many_attempts";

/** Field name to what is wrong with it, as answered in `field_errors`. */
export type FieldErrors = Record<string, string[]>;

export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly fieldErrors: FieldErrors;
  /** Seconds after which trying again makes sense. */
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

/** Invalid input in one named field. */
export function invalidField(field: string, message: string, cause?: unknown): DomainError {
  const fieldErrors = { [field]: [message] };
  return new DomainError("invalid_input", `${field}: ${message}`, { fieldErrors, cause });
}

export function notFound(what: string): DomainError {
  return new DomainError("not_found", `No such ${what}, or it is not yours.`);
}

/** A setting that stops a program before it starts. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * A task type or a row-wise target throws this if trying again cannot succeed: a bad file, a bad value.
 * `code` is for programs, the message for people.
 */
export class Permanent extends Error {
  override name = "Permanent";
  readonly code: string;
  /** The column at fault; null for a task, or if the row as a whole is wrong. */
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

/** A task type or a row-wise target throws this if a later attempt may succeed, to say when or why. */
export class Retryable extends Error {
  override name = "Retryable";
  readonly code: string;
  /** The least time to wait; undefined: the usual backoff. */
  readonly afterSeconds: number | undefined;

  constructor(
    code: string,
    message: string,
    { afterSeconds, ...options }: ErrorOptions & { afterSeconds?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.afterSeconds = afterSeconds;
  }
}
