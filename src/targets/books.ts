import { sql } from "drizzle-orm";
import Type, { type Static } from "typebox";
import type { Target } from "./target.ts";

const columns = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 500, examples: ["Frankenstein"] }),
  author: Type.String({ minLength: 1, maxLength: 200, examples: ["Mary Shelley"] }),
  description: Type.String({
    maxLength: 10_000,
    default: "",
    examples: ["A scientist makes a living being."],
  }),
});

export const booksTarget: Target<typeof columns> = {
  name: "books",
  description: "Books of the user who uploads them.",
  columns,
  aliases: {
    title: ["name", "original_title", "book_title"],
    author: ["authors", "book_author", "writer"],
    description: ["summary"],
  },

  async write(tx, batch, rows) {
    const cells = (column: keyof Static<typeof columns>) => sql.param(rows.map((row) => row[column]));
    // Ids are drawn before the insert: RETURNING promises no order, and each row must know its record.
    const { rows: made } = await tx.db.execute<{ id: string }>(sql`
      WITH input AS (
        SELECT nextval('books_id_seq') AS id, position, title, author, description
        FROM unnest(${cells("title")}::text[], ${cells("author")}::text[], ${cells("description")}::text[])
          WITH ORDINALITY AS cells (title, author, description, position)
      ), inserted AS (
        INSERT INTO books (id, user_id, title, author, description)
        SELECT id, ${batch.userId}, title, author, description FROM input ORDER BY position
      )
      SELECT id FROM input ORDER BY position`);
    return made.map(({ id }) => Number(id));
  },
};
