/** Cursor pagination. A cursor is opaque to clients; it encodes the key of the last item of the previous page. */
import Type, { type TSchema } from "typebox";
import { type DomainError, invalidField } from "../../errors.ts";
import type { Found } from "../postgres/read-page.ts";
import { nullable } from "./schemas.ts";

export const MAX_PAGE = 1000;

export const PageQuery = {
  cursor: Type.Optional(
    Type.String({
      maxLength: 100,
      description: "`next_cursor` of the previous page. Absent: the first page.",
      examples: ["MTAw"],
    }),
  ),
  limit: Type.Integer({
    minimum: 1,
    maximum: MAX_PAGE,
    default: 100,
    description:
      "The number of items per page. A page of long items ends early, after about 1 MB; follow `next_cursor`.",
    examples: [100],
  }),
};

const pageFields = <S extends TSchema>(item: S) => ({
  items: Type.Array(item),
  next_cursor: nullable(
    Type.String({ examples: ["MTAw"] }),
    "Send it as `cursor` to get the next page. null: this is the last page.",
  ),
});

export function Page<S extends TSchema>(item: S) {
  return Type.Object(pageFields(item), { description: "One page of the list." });
}

/** A page of a list that can be searched. */
export function SearchedPage<S extends TSchema>(item: S) {
  return Type.Object(
    {
      ...pageFields(item),
      searched_to: Type.Optional(
        Type.String({
          format: "date-time",
          description:
            "Present only if this request has not looked at the whole list: a search for words, and filters that no index serves together, " +
            "look at up to 10,000 items, or 4 MiB of text, and `items` has the matches among them, often none. `next_cursor` continues " +
            "after them. The value is the time when the last item that this request looked at was created.",
          examples: ["2026-11-25T09:30:00.000Z"],
        }),
      ),
    },
    { description: "One page of the list." },
  );
}

function encodeCursor(key: string | number): string {
  return Buffer.from(String(key)).toString("base64url");
}

/**
 * @param min less than the key of every item
 * @returns `min` without a cursor
 * @throws DomainError `invalid_input` if `pageOf` cannot have returned the cursor
 */
export function decodeNumberCursor(
  cursor: string | undefined,
  max = Number.MAX_SAFE_INTEGER,
  min = 0,
): number {
  if (cursor === undefined) return min;
  const key = Number(decode(cursor, /^(\d{1,16}|-[1-9]\d{0,15})$/));
  if (key > max || key < min) throw notACursor();
  return key;
}

/** @returns null without a cursor. @throws DomainError `invalid_input` if `pageOf` cannot have returned the cursor */
export function decodeUuidCursor(cursor: string | undefined): string | null {
  return cursor === undefined ? null : decode(cursor, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
}

/** Decodes a cursor. Check the result: a client can send any text. */
export function decodeCursor(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString();
}

function decode(cursor: string, pattern: RegExp): string {
  const key = decodeCursor(cursor);
  if (!pattern.test(key)) throw notACursor();
  return key;
}

export function notACursor(cause?: unknown): DomainError {
  return invalidField("cursor", "is not a cursor of this list. Send `next_cursor` unchanged.", cause);
}

/** Returns the page of an answer. `key` becomes the cursor of the next page. */
export function pageOf<Item, View>(
  { items, hasMore }: Found<Item>,
  key: (item: Item) => string | number,
  view: (item: Item) => View,
): { items: View[]; next_cursor: string | null } {
  const last = items.at(-1);
  return {
    items: items.map(view),
    next_cursor: hasMore && last !== undefined ? encodeCursor(key(last)) : null,
  };
}

/** Returns the page of a list that can be searched. `cursorAt` makes a cursor of the key at which a search stopped. */
export function searchedPageOf<Item, View>(
  found: Found<Item>,
  key: (item: Item) => string | number,
  view: (item: Item) => View,
  cursorAt: (key: string | number) => string | number = (last) => last,
) {
  const { searchedTo } = found;
  const page = pageOf(found, key, view);
  return {
    ...page,
    next_cursor: searchedTo ? encodeCursor(cursorAt(searchedTo.key)) : page.next_cursor,
    ...(searchedTo && { searched_to: searchedTo.createdAt.toISOString() }),
  };
}
