/** Cursors of the list of books. */
import Type from "typebox";
import Value from "typebox/value";
import { decodeCursor, notACursor } from "../platform/http/paging.ts";
import { NUL_FREE } from "../platform/http/schemas.ts";
import { BOOK_SORTS, type BookPlace, type BookSort } from "./list-books.ts";

const Place = Type.Tuple([
  Type.Enum([...BOOK_SORTS]),
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Union([Type.Null(), Type.String({ pattern: NUL_FREE })]),
]);

/** A cursor belongs to the order it was made in. */
export function placeToCursor(sort: BookSort, { id, key }: BookPlace): string {
  return JSON.stringify([sort, id, key]);
}

/** @throws DomainError `invalid_input` where it is none of a list in this order */
export function cursorToPlace(sort: BookSort, cursor: string | undefined): BookPlace | null {
  if (cursor === undefined) return null;
  const place = parse(decodeCursor(cursor));
  if (!Value.Check(Place, place) || place[0] !== sort) throw notACursor();
  const [, id, key] = place;
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
