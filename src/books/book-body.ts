/** Reads the body of a request that creates or updates a book: JSON, or a form that may have a picture. */
import type { FastifyRequest } from "fastify";
import Type from "typebox";
import type { Config } from "../config/config.ts";
import { DomainError, type FieldErrors, invalidField } from "../errors.ts";
import { withForm } from "../platform/http/form.ts";
import { PictureRefused } from "../platform/pictures/refused.ts";
import { MAX_SIDE, type Picture, readPicture } from "../platform/pictures/stored-picture.ts";
import { booksTarget } from "../targets/books/target.ts";
import { BOOK_COLUMNS, type BookValues } from "./check-book.ts";

export interface BookBody {
  /** Only the fields that the client sent. */
  readonly values: Partial<BookValues>;
  /** null: remove the picture. undefined: the client sent no picture. */
  readonly picture: Picture | null | undefined;
}

const { properties, required } = booksTarget.columns;
const mandatory = required.filter((column) => !("default" in properties[column]));

/** The schema of the body. In an edit, all fields are optional. */
function bodyOf(picture: Type.TSchema, isEdit: boolean) {
  const body = Type.Object({ ...properties, picture });
  return { ...body, required: isEdit ? [] : mandatory };
}

const noPicture = Type.Null({
  description: "null removes the picture. Use multipart/form-data to send one.",
  examples: [null],
});

const pictureFile = Type.String({
  format: "binary",
  description:
    "JPEG, PNG, WebP, AVIF or GIF, detected from the content. Rowmill removes the metadata, applies the orientation and " +
    `limits the picture to ${MAX_SIDE} pixels per side; animations stay animated. An empty text removes the picture.`,
  examples: ["(the bytes of the picture)"],
});

function documented(isEdit: boolean) {
  return {
    "application/json": bodyOf(noPicture, isEdit),
    "multipart/form-data": bodyOf(pictureFile, isEdit),
  };
}

/** For the `documentedBody` of routes. */
export const NewBookBody = documented(false);
export const BookEditBody = documented(true);

/**
 * Reads the body and passes it to `use`.
 * @throws DomainError that names the field, or the error of `use`
 */
export function withBookBody<T>(
  request: FastifyRequest,
  config: Config,
  use: (body: BookBody) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) return use(fromObject(request.body));
  const rules = {
    fieldNames: [...BOOK_COLUMNS, "picture"],
    fileField: "picture",
    maxBytes: config.pictureMaxBytes,
    maxBytesName: "PICTURE_MAX_BYTES",
  };
  return withForm(request, rules, async ({ fields, file }) => {
    const { values, picture } = fromObject(Object.fromEntries(fields));
    return use({ values, picture: file ? await pictureIn(file, config.pictureMaxPixels) : picture });
  });
}

function fromObject(body: unknown): BookBody {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const message =
      "Send a JSON object or multipart/form-data with the fields of the book, such as title and author.";
    throw new DomainError("invalid_input", message);
  }
  const fields = new Map<string, unknown>(Object.entries(body));
  const values: Partial<BookValues> = {};
  for (const column of BOOK_COLUMNS) {
    const value = fields.get(column);
    if (value === undefined) continue;
    if (value !== null && typeof value !== "string") throw invalidField(column, "must be a string.");
    values[column] = value ?? "";
  }
  const picture = fields.get("picture");
  if (picture === undefined) return { values, picture: undefined };
  if (picture === null || picture === "") return { values, picture: null };
  throw invalidField("picture", "Send a file in multipart/form-data, or null to remove the picture.");
}

async function pictureIn(file: Buffer, maxPixels: number): Promise<Picture> {
  try {
    return await readPicture(file, maxPixels);
  } catch (error) {
    if (!(error instanceof PictureRefused)) throw error;
    const fieldErrors: FieldErrors = { picture: [error.message] };
    const code = error.isTooLarge ? "too_large" : "invalid_input";
    throw new DomainError(code, `picture: ${error.message}`, { fieldErrors, cause: error });
  }
}
