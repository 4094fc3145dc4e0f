/**
 * Answers with JSON text as it was stored. JavaScript objects would change the order of names ("2" always precedes "b")
 * and treat the name "__proto__" specially.
 */
import type { TSchema } from "typebox";

export const JSON_TYPE = "application/json; charset=utf-8";

/** Returns the response schema of such an answer. */
export function jsonText(schema: TSchema, description = "OK") {
  return { description, content: { "application/json": { schema } } };
}
