import { Compile } from "typebox/compile";
import { invalidField } from "../errors.ts";
import { schemaErrors, throwFieldErrors } from "../platform/http/schema-errors.ts";
import { requireStorable } from "../platform/postgres/storable.ts";
import type { Target } from "./target.ts";

/**
 * Reads the parameters that an upload sends for its target.
 * @param text JSON; undefined: none were sent
 * @returns null if the target has none
 * @throws DomainError `invalid_input` that names the parameter
 */
export function parseParams(target: Target, text: string | undefined): Record<string, unknown> | null {
  if (!target.params) {
    if (text === undefined) return null;
    throw invalidField("params", `The target ${target.name} has no parameters. Leave out \`params\`.`);
  }
  const params = parseJson(text ?? "{}");
  const errors = Object.entries(schemaErrors(Compile(target.params), params));
  throwFieldErrors(Object.fromEntries(errors.map(([name, texts]) => [fieldOf(name), texts])));
  requireStorable(params, "params");
  return params as Record<string, unknown>;
}

/** Names a parameter in the form of the upload. `body` is the object as a whole. */
const fieldOf = (name: string) => (name === "body" ? "params" : `params.${name}`);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidField("params", 'is not JSON. Send an object, such as {"subject": "News"}.', error);
  }
}
