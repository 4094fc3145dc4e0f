import Type from "typebox";
import { plainRows } from "../plain-rows.ts";
import type { SetTarget } from "../target.ts";
import { insertPlainBooks, placeOf } from "./insert-plain-books.ts";
import { undoBooks } from "./undo-books.ts";
import { writeBooks } from "./write-books.ts";

const columns = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 500, description: "The title.", examples: ["Frankenstein"] }),
  author: Type.String({
    minLength: 1,
    maxLength: 200,
    description: "The author.",
    examples: ["Mary Shelley"],
  }),
  description: Type.String({
    maxLength: 10_000,
    default: "",
    description: "A text about the book.",
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
  key: ["title", "author"],
  modes: ["insert", "skip_existing", "upsert", "append"],
  write: writeBooks,
  plain: {
    table: "books",
    inserts: (batch, { isOpen, id }) => {
      const plain = plainRows(booksTarget, batch, isOpen, placeOf(batch.mode));
      return plain ? insertPlainBooks(batch, plain, id) : [];
    },
    writesAnywhere: (mode) => placeOf(mode) === "anywhere",
  },
  undo: undoBooks,
};
