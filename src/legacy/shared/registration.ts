/** Registrations as the Django services took them. */
import Type from "typebox";
import { DomainError, invalidField } from "../../errors.ts";
import { NUL_FREE } from "../../platform/http/schemas.ts";

export const PersonName = (description: string, example: string) =>
  Type.String({ maxLength: 150, pattern: NUL_FREE, default: "", description, examples: [example] });

/** The services answered 400 with this text, never 409. */
export function sayTaken(error: unknown): never {
  if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
  const message = "A user with that username already exists.";
  throw invalidField("username", message, error);
}
