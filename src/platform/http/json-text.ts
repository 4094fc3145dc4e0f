/**
 * Answers that are sent as the JSON text they were stored as. As JavaScript objects they would lose the order of
 * their names: "2" comes before "b" whatever the file's order, and "__proto__" is no name like others.
 */
import type { TSchema } from "typebox";

export const JSON_TYPE = "application/json; charset=utf-8";

/** The schema of such an answer. */
export function jsonText(schema: TSchema, description = "OK") {
  return { description, content: { "application/json": { schema } } };
}
