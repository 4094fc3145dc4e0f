import { sql } from "drizzle-orm";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import type { SetTarget } from "./target.ts";

const columns = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 500, examples: ["Frankenstein"] }),
  author: Type.String({ minLength: 1, maxLength: 200, examples: ["Mary Shelley"] }),
  description: Type.String({
    maxLength: 10_000,
    default: "",
    examples: ["A scientist makes a living being."],
  }),
});

export const booksTarget: SetTarget<typeof columns> = {
  name: "books",
  description: "Books of the user who uploads them.",
  columns,
  aliases: {
    title: ["name", "original_title", "book_title"],
    author: ["authors", "book_author", "writer"],
    description: ["summary"],
  },

  isStrict: true,

  async write(tx, batch, rows) {
    const cells = (column: keyof Static<typeof columns>) =>
      sql.param(rows.map(({ values }) => values[column]));
    const ids = await drawIds(tx, rows.length);
    await tx.db.execute(sql`
      INSERT INTO books (id, user_id, batch_id, row_number, is_copy, title, author, description)
      SELECT id, ${batch.userId}, ${batch.id}, row_number, true, title, author, description
      FROM unnest(${sql.param(ids)}::bigint[], ${sql.param(rows.map(({ row }) => row))}::int[], ${cells("title")}::text[], ${cells("author")}::text[],
        ${cells("description")}::text[]) AS cells (id, row_number, title, author, description)`);
    return ids.map((recordId) => ({ kind: "success", recordId, effect: "created" }));
  },
};

/** Ids before the insert: each row must know its record, and RETURNING promises no order. */
async function drawIds(tx: Context, count: number): Promise<number[]> {
  const { rows } = await tx.db.execute<{ id: string }>(
    sql`SELECT nextval('books_id_seq') AS id FROM generate_series(1, ${count})`,
  );
  return rows.map(({ id }) => Number(id));
}
