import type { Static } from "typebox";
import { DomainError, type FieldErrors } from "../errors.ts";
import { booksTarget } from "../targets/books/target.ts";
import { rowValidator } from "../targets/validate-row.ts";

export type BookValues = Static<typeof booksTarget.columns>;

export const BOOK_COLUMNS = Object.keys(booksTarget.columns.properties) as (keyof BookValues)[];

/** The rules and messages of uploads. */
const check = rowValidator(
  booksTarget,
  Object.fromEntries(BOOK_COLUMNS.map((column, position) => [column, position])),
);

/**
 * @returns the values, trimmed and complete
 * @throws DomainError `invalid_input` that explains every broken rule
 */
export function checkBook(values: Readonly<Partial<BookValues>>): BookValues {
  // A lone surrogate, which PostgreSQL cannot store, becomes U+FFFD, which the rules refuse.
  const result = check(BOOK_COLUMNS.map((column) => (values[column] ?? "").toWellFormed()));
  if ("values" in result) return result.values;
  const fieldErrors: FieldErrors = {};
  for (const { column, message } of result.errors) {
    const field = column ?? "book";
    fieldErrors[field] = [...(fieldErrors[field] ?? []), message];
  }
  const detail = result.errors.map(({ message }) => message).join("; ");
  throw new DomainError("invalid_input", detail, { fieldErrors });
}
