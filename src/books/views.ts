/** Books in answers. */
import Type, { type Static } from "typebox";
import { nullable } from "../platform/http/schemas.ts";
import { thumbnailPath } from "./pictures.ts";
import type { StoredBook } from "./queries.ts";

const SITE = "https://rowmill.example.com";
const PICTURE = "/media/books/6f1c0f5e-3c61-4a53-9a6e-2f0f5c1d7b2a.jpg";
const THUMBNAIL = `${SITE}/media/books/6f1c0f5e-3c61-4a53-9a6e-2f0f5c1d7b2b.webp`;

export const BookView = Type.Object(
  {
    id: Type.Integer({ description: "The id of the book." }),
    title: Type.String({ description: "The title.", examples: ["Frankenstein"] }),
    author: Type.String({ description: "The author.", examples: ["Mary Shelley"] }),
    description: Type.String({
      description: "A text about the book, or empty.",
      examples: ["A scientist makes a living being."],
    }),
    picture: nullable(
      Type.String({ examples: [PICTURE] }),
      "The path of the picture. null: the book has none.",
    ),
    picture_url: nullable(
      Type.String({ examples: [`${SITE}${PICTURE}`] }),
      "The absolute URL of the picture.",
    ),
    thumbnail_url: nullable(
      Type.String({ examples: [THUMBNAIL] }),
      "The picture as a WebP of at most 320 pixels per side.",
    ),
  },
  {
    $id: "Book",
    description: "A book of yours.",
    examples: [
      {
        id: 1,
        title: "Frankenstein",
        author: "Mary Shelley",
        description: "A scientist makes a living being.",
        picture: PICTURE,
        picture_url: `${SITE}${PICTURE}`,
        thumbnail_url: THUMBNAIL,
      },
    ],
  },
);

export function viewBook(
  { id, title, author, description, picture }: StoredBook,
  publicUrl: string,
): Static<typeof BookView> {
  const urlOf = (path: string) => `${publicUrl}/media/${path}`;
  return {
    id,
    title,
    author,
    description,
    picture: picture === null ? null : `/media/${picture}`,
    picture_url: picture === null ? null : urlOf(picture),
    thumbnail_url: picture === null ? null : urlOf(thumbnailPath(picture)),
  };
}
