import type { FastifyRequest } from "fastify";
import type { Static, TProperties, TSchema } from "typebox";
import type { Validator } from "typebox/compile";
import { schemaErrors, throwFieldErrors } from "./schema-errors.ts";

/** A preValidation hook for bodies whose every field may be left out: no body is an empty one. */
export async function emptyBodyIsEmpty(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

/**
 * The body of a route that reads it by itself (`documentedBody`), so that a field that is misspelled is refused and
 * nothing is taken for what it is not: fastify drops the one and converts the other.
 * @throws DomainError `invalid_input` that names each wrong field
 */
export function parseBody<S extends TSchema>(check: Validator<TProperties, S>, body: unknown): Static<S> {
  if (check.Check(body)) return body as Static<S>;
  throwFieldErrors(schemaErrors(check, body));
  throw new Error("a body is refused, and nothing is wrong with it");
}
