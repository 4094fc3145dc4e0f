import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Static, TProperties, TSchema } from "typebox";
import type { Validator } from "typebox/compile";
import { schemaErrors, throwFieldErrors } from "./schema-errors.ts";

/** Many clients send the Content-Type of JSON with every request. An empty body then counts as an empty object. */
export function takeEmptyJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, body, done) =>
    body === "" ? done(null, {}) : parseJson(request, body, done),
  );
}

/** A preValidation hook for bodies without required fields: a missing body counts as an empty one. */
export async function emptyBodyIsEmpty(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

/**
 * Checks the body of a route with `documentedBody` strictly: refuses unknown fields and converts no types. Fastify would
 * drop unknown fields and convert types.
 * @param path the path of the body, if it is a part of another body
 * @throws DomainError `invalid_input` that names each invalid field
 */
export function parseBody<S extends TSchema>(
  check: Validator<TProperties, S>,
  body: unknown,
  path = "",
): Static<S> {
  if (check.Check(body)) return body as Static<S>;
  throwFieldErrors(schemaErrors(check, body, path));
  throw new Error("The validator refused a body without reporting an error.");
}
