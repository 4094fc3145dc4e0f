/** A multipart body that is not read to its end: what its client is told, and how it is got rid of. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError } from "../../errors.ts";
import { isDatabaseUnavailable } from "../postgres/database.ts";

/** How long a client that has its answer already may go on sending before it is cut off, and how much. */
const DRAIN_MS = 5000;
const DRAIN_BYTES = 16 * 2 ** 20;

/**
 * The client may still be sending. It gets to read the answer, and no more is kept of what it sends. `Connection: close`
 * would not do: Node then closes at once, and a client that is cut off while it sends may never see the answer.
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

/** What busboy says of a body that is not what its Content-Type promises. */
const MALFORMED_FORM = /Boundary not found|Malformed|Unsupported content type/i;
const CUT_CONNECTION = /premature.close|aborted|terminated early|Unexpected end of/i;

/** The error to throw for one that reading a body threw: the client's mistakes as such, any other as it is. */
export function bodyError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DomainError || isDatabaseUnavailable(error)) return error;
  const said = `${"code" in error ? error.code : ""} ${error.message}`;
  if (CUT_CONNECTION.test(said)) {
    return new DomainError("invalid_input", "The connection ended before the file did.", { cause: error });
  }
  if (MALFORMED_FORM.test(said)) {
    return new DomainError("invalid_input", "The body is not multipart/form-data as its Content-Type says.", {
      cause: error,
    });
  }
  return error;
}
