/** Answers requests whose multipart body is not read to its end. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError } from "../../errors.ts";
import { isDatabaseUnavailable } from "../postgres/database.ts";

/** A client that still sends after the answer is disconnected after this time or this many bytes. */
const DRAIN_MS = 5000;
const DRAIN_BYTES = 16 * 2 ** 20;

/**
 * Reads and discards the rest of the body, so that a client that is still sending can read the answer. With
 * `Connection: close`, Node would close at once, and the client might never see the answer.
 */
export function drainBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  raw.unpipe();
  reply.raw.once("finish", () => {
    let drained = 0;
    const cut = setTimeout(() => raw.destroy(), DRAIN_MS).unref();
    raw.on("data", ({ length }: Buffer) => {
      drained += length;
      if (drained > DRAIN_BYTES) raw.destroy();
    });
    raw.once("close", () => clearTimeout(cut));
    raw.resume();
  });
}

/** Errors of busboy for a body that does not match its Content-Type. */
const MALFORMED_FORM = /Boundary not found|Malformed|Unsupported content type/i;
const CUT_CONNECTION = /premature.close|aborted|terminated early|Unexpected end of/i;

/** Turns errors of reading a body that the client caused into DomainErrors, and returns all others unchanged. */
export function bodyError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DomainError || isDatabaseUnavailable(error)) return error;
  const text = `${"code" in error ? error.code : ""} ${error.message}`;
  if (CUT_CONNECTION.test(text)) {
    const message = "The connection ended before the end of the file. Send the file again.";
    return new DomainError("invalid_input", message, { cause: error });
  }
  if (MALFORMED_FORM.test(text)) {
    const message = "The body is not multipart/form-data, although its Content-Type says so.";
    return new DomainError("invalid_input", message, { cause: error });
  }
  return error;
}
