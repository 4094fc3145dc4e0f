/** Fields that the parts of a definition share. */
import Type from "typebox";
import { NUL_FREE } from "../../platform/http/schemas.ts";

export const closed = { additionalProperties: false } as const;

export const Text = (maxLength: number, description: string, examples: readonly string[] = []) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: NUL_FREE,
    description,
    ...(examples.length > 0 ? { examples } : {}),
  });

/** As PostgreSQL limits names. They are quoted wherever they become SQL. */
export const Name = (description: string, examples: readonly string[] = []) =>
  Text(63, description, examples);

export const Words = (description: string) =>
  Type.Array(Type.String({ maxLength: 40, pattern: NUL_FREE }), { maxItems: 50, description });

export const columnNames = (description: string) =>
  Type.Array(Name("A column."), { minItems: 1, maxItems: 50, description });
