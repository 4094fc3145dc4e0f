/** Explains multipart bodies that cannot be read to their end. */
import type { FastifyRequest } from "fastify";
import { DomainError } from "../../errors.ts";
import { isDatabaseUnavailable } from "../postgres/database.ts";
import { TOO_MANY_FIELDS } from "./form-fields.ts";

/** Errors of busboy for a body that does not match its Content-Type. */
const MALFORMED_FORM = /Boundary|Malformed|Unsupported content type/i;
/** The message of its search for the boundary. */
const LONG_BOUNDARY = /needle cannot have a length/i;
const CUT_CONNECTION = /premature.close|aborted|terminated early|Unexpected end of/i;
const TOO_MANY_PARTS: ReadonlySet<string> = new Set([
  "FST_FIELDS_LIMIT",
  "FST_PARTS_LIMIT",
  "FST_FILES_LIMIT",
]);

/** Turns errors of reading a body that the client caused into DomainErrors, and returns all others unchanged. */
export function bodyError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DomainError || isDatabaseUnavailable(error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const text = `${code} ${error.message}`;
  if (TOO_MANY_PARTS.has(code)) return new DomainError("too_large", TOO_MANY_FIELDS, { cause: error });
  if (CUT_CONNECTION.test(text)) return cutOff(error);
  if (LONG_BOUNDARY.test(text)) {
    const message = "The boundary in Content-Type is too long. RFC 2046 allows 70 characters.";
    return new DomainError("invalid_input", message, { cause: error });
  }
  if (MALFORMED_FORM.test(text)) {
    const message = "The body is not multipart/form-data, although its Content-Type says so.";
    return new DomainError("invalid_input", message, { cause: error });
  }
  return error;
}

/**
 * @fastify/multipart waits forever for a body whose connection has ended before.
 * @throws DomainError
 */
export function requireConnection({ raw }: FastifyRequest): void {
  if (raw.destroyed) throw cutOff();
}

function cutOff(cause?: Error): DomainError {
  const message = "The connection ended before the end of the file. Send the file again.";
  return new DomainError("invalid_input", message, cause && { cause });
}
