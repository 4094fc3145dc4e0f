import type { FastifyRequest } from "fastify";

/** A preValidation hook for bodies whose every field may be left out: no body is an empty one. */
export async function emptyBodyIsEmpty(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}
