/** The rows of the `books` target, for all of its modes. */
import { type Param, type SQL, sql } from "drizzle-orm";
import { BOOK_KEY } from "../../schema/targets.ts";
import { retry } from "../outcomes.ts";

export interface BookRow {
  readonly row: number;
  /** Reserved for the book. */
  readonly id?: number | undefined;
  readonly values: { readonly title: string; readonly author: string; readonly description: string };
}

/** The slice as a table. It is sorted by key, so that concurrent transactions lock keys in the same order: no deadlock. */
export function cellsOf(ids: readonly number[], rows: readonly BookRow[]): SQL {
  const column = (name: keyof BookRow["values"]) => sql.param(rows.map(({ values }) => values[name]));
  return sql`(
    SELECT *, ${sql.raw(BOOK_KEY)} AS key
    FROM unnest(${sql.param(ids)}::bigint[], ${sql.param(rows.map(({ row }) => row))}::int[], ${column("title")}::text[],
      ${column("author")}::text[], ${column("description")}::text[]) AS cells (id, row_number, title, author, description)
    ORDER BY key, row_number
  ) AS cells`;
}

/**
 * An array for `unnest` in a join with books by id. The planner takes it for ten rows, and looks up each book. If it knew that there
 * are a thousand, it might read all books of the owner instead: it expects only a 200th of the table from one owner.
 */
export function ofUnknownLength(array: Param, type: "bigint" | "int" | "text" | "uuid"): SQL {
  return sql`(SELECT ${array}::${sql.raw(type)}[])`;
}

/** For a row whose key was taken at the insert, and is free at the look-up after it. */
export const bookRemoved = retry(
  "database_conflict",
  "The book with this key was removed while the row was being written.",
);
