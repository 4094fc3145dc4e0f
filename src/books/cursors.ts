/** The cursors of the list of books. */
import Type from "typebox";
import Value from "typebox/value";
import { decodeCursor, notACursor } from "../platform/http/paging.ts";
import { NUL_FREE } from "../platform/http/schemas.ts";
import { BOOK_SORTS, type BookPosition, type BookSort } from "./list-books.ts";

const Cursor = Type.Tuple([
  Type.Enum([...BOOK_SORTS]),
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Union([Type.Null(), Type.String({ pattern: NUL_FREE })]),
]);

/** The cursor includes the order, because it is valid only for a list in that order. */
export function positionToCursor(sort: BookSort, { id, key }: BookPosition): string {
  return JSON.stringify([sort, id, key]);
}

/** @throws DomainError `invalid_input` if the cursor is not from a list in this order */
export function cursorToPosition(sort: BookSort, cursor: string | undefined): BookPosition | null {
  if (cursor === undefined) return null;
  const parsed = parse(decodeCursor(cursor));
  if (!Value.Check(Cursor, parsed) || parsed[0] !== sort) throw notACursor();
  const [, id, key] = parsed;
  if ((key === null) !== (sort === "id" || sort === "-id")) throw notACursor();
  return { id, key };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notACursor(error);
  }
}
