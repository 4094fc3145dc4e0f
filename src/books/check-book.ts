import type { Static } from "typebox";
import { DomainError, type FieldErrors } from "../errors.ts";
import { booksTarget } from "../targets/books/target.ts";
import { rowValidator } from "../targets/validate-row.ts";

export type BookValues = Static<typeof booksTarget.columns>;

export const BOOK_COLUMNS = Object.keys(booksTarget.columns.properties) as (keyof BookValues)[];

/** The very rules, and words, that the rows of an upload are checked by. */
const check = rowValidator(
  booksTarget,
  Object.fromEntries(BOOK_COLUMNS.map((column, position) => [column, position])),
);

/** @throws DomainError `invalid_input` that says what is wrong with each column */
export function checkBook(given: Readonly<Partial<BookValues>>): BookValues {
  // Half of a surrogate pair is no character; it becomes the mark of damage that the rules refuse.
  const result = check(BOOK_COLUMNS.map((column) => (given[column] ?? "").toWellFormed()));
  if ("values" in result) return result.values;
  const fieldErrors: FieldErrors = {};
  for (const { column, message } of result.errors) {
    const field = column ?? "book";
    fieldErrors[field] = [...(fieldErrors[field] ?? []), message];
  }
  const detail = result.errors.map(({ message }) => message).join("; ");
  throw new DomainError("invalid_input", detail, { fieldErrors });
}
