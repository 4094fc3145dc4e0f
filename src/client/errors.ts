/** Everything that a call can fail with, except an aborted signal. */
import { readText } from "./read-text.ts";

export interface ErrorDetails {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly field_errors?: Readonly<Record<string, readonly string[]>>;
  readonly request_id?: string | null;
  readonly retry_after?: number | null;
  readonly cause?: unknown;
}

/**
 * `code` is one of the codes in docs/guide/errors.md, or one of the client: `unreachable` (no answer), `timed_out` (of a wait),
 * `file_changed` (while it was sent), `unexpected_answer` (not from Rowmill, for example from a proxy).
 */
export class RowmillError extends Error {
  override name = "RowmillError";
  readonly status: number;
  readonly code: string;
  /** The problems of each invalid field. */
  readonly field_errors: Readonly<Record<string, readonly string[]>>;
  /** As in the log of the server. */
  readonly request_id: string | null;
  /** Seconds to wait before the next attempt. */
  readonly retry_after: number | null;

  constructor(message: string, details: ErrorDetails) {
    super(message, { cause: details.cause });
    this.status = details.status;
    this.code = details.code;
    this.field_errors = details.field_errors ?? {};
    this.request_id = details.request_id ?? null;
    this.retry_after = details.retry_after ?? null;
  }
}

/** Reads the problem document of an answer that is not a success. */
export async function errorOf(response: Response): Promise<RowmillError> {
  const { status, headers } = response;
  const details = { status, request_id: headers.get("x-request-id"), retry_after: secondsOf(headers) };
  const problem = await problemOf(response);
  if (problem) {
    const { code, detail, field_errors } = problem;
    return new RowmillError(detail, { ...details, code, field_errors });
  }
  const location = headers.get("location");
  const hint =
    status === 0 || (status >= 300 && status < 400)
      ? `redirects${location ? ` to ${location}` : ""}. Use the final address.`
      : `answered with the status ${status} and without the details that Rowmill sends.`;
  return new RowmillError(`The server ${hint}`, { ...details, code: "unexpected_answer" });
}

/** Returns the JSON of a success; undefined if it has no body. @throws RowmillError `unexpected_answer` */
export async function jsonOf(response: Response): Promise<unknown> {
  const text = await readText(response);
  if (text === "") return undefined;
  const json = text === null ? undefined : parsed(text);
  if (json !== undefined) return json;
  const { status, headers } = response;
  const found = text === null ? "with more than 64 MiB" : "without JSON";
  throw new RowmillError(`The server answered with the status ${status} and ${found}. Is it Rowmill?`, {
    status,
    code: "unexpected_answer",
    request_id: headers.get("x-request-id"),
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly field_errors: Record<string, string[]>;
}

async function problemOf(response: Response): Promise<Problem | null> {
  if (!response.headers.get("content-type")?.includes("json")) {
    await response.body?.cancel();
    return null;
  }
  const problem = (parsed((await readText(response)) ?? "") ?? {}) as Partial<Problem> | null;
  const { code, detail, field_errors } = problem ?? {};
  if (typeof code !== "string" || typeof detail !== "string") return null;
  return { code, detail, field_errors: field_errors ?? {} };
}

/** `Retry-After` is a number of seconds or a date. */
function secondsOf(headers: Headers): number | null {
  const value = headers.get("retry-after");
  if (value === null) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, Math.ceil(seconds));
}
