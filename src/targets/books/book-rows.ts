/** What the modes of the `books` target share. */
import { type SQL, sql } from "drizzle-orm";
import { BOOK_KEY } from "../../schema/targets.ts";
import type { Outcome } from "../target.ts";

export interface BookRow {
  readonly row: number;
  readonly values: { readonly title: string; readonly author: string; readonly description: string };
}

/** A slice as a table, in the order of its keys: whoever waits for a key holds none behind it, so nobody waits in a circle. */
export function cellsOf(ids: readonly number[], rows: readonly BookRow[]): SQL {
  const column = (name: keyof BookRow["values"]) => sql.param(rows.map(({ values }) => values[name]));
  return sql`(
    SELECT *, ${sql.raw(BOOK_KEY)} AS key
    FROM unnest(${sql.param(ids)}::bigint[], ${sql.param(rows.map(({ row }) => row))}::int[], ${column("title")}::text[],
      ${column("author")}::text[], ${column("description")}::text[]) AS cells (id, row_number, title, author, description)
    ORDER BY key, row_number
  ) AS cells`;
}

export function created(recordId: number): Outcome {
  return { kind: "success", recordId, effect: "created" };
}

/** The key was taken a moment ago and is free now. */
export const goneMeanwhile: Outcome = {
  kind: "retry",
  reason: { column: null, code: "database_conflict", message: "The book of this key was removed meanwhile." },
};
