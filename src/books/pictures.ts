/** The pictures of books. Each is two stored files, the picture and its thumbnail, whose ids follow from `books.picture`. */
import { randomUUID } from "node:crypto";
import type { Tx } from "../context.ts";
import { claimQuota } from "../files/quota.ts";
import { removeFiles } from "../files/remove-files.ts";
import { storeFile } from "../files/store-file.ts";
import { PICTURE_TYPES } from "../platform/pictures/formats.ts";
import type { Picture } from "../platform/pictures/stored-picture.ts";

const extensions = PICTURE_TYPES.map(({ extension }) => extension).join("|");
export const PICTURE_NAME = `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.(${extensions})$`;
const THUMBNAIL = { mediaType: "image/webp", extension: "webp" };

/**
 * @returns the path below /media/, for `books.picture`
 * @throws DomainError `too_large` if the owner has no space left
 */
export async function storePicture(
  tx: Tx,
  userId: number,
  { mediaType, extension, bytes, thumbnail }: Picture,
): Promise<string> {
  const id = newPictureId();
  const path = `books/${id}.${extension}`;
  await claimQuota(tx, userId, [bytes.length, thumbnail.length]);
  await storeFile(tx, { id, userId, origin: "picture", name: path, mediaType, bytes });
  await storeFile(tx, {
    id: thumbnailId(id),
    userId,
    origin: "picture",
    name: thumbnailPath(path),
    mediaType: THUMBNAIL.mediaType,
    bytes: thumbnail,
  });
  return path;
}

export async function removePicture(tx: Tx, path: string): Promise<void> {
  const id = fileIdOf(path);
  await removeFiles(tx, [id, thumbnailId(id)]);
}

export function thumbnailPath(path: string): string {
  return `books/${thumbnailId(fileIdOf(path))}.${THUMBNAIL.extension}`;
}

export function fileIdOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1, path.lastIndexOf("."));
}

/** An id with 121 random bits, which cannot be guessed. The last bit is 0 for a picture and 1 for its thumbnail. */
function newPictureId(): string {
  return withLastDigit(randomUUID(), (digit) => digit & ~1);
}

function thumbnailId(id: string): string {
  return withLastDigit(id, (digit) => digit | 1);
}

function withLastDigit(id: string, change: (digit: number) => number): string {
  return id.slice(0, -1) + change(Number.parseInt(id.slice(-1), 16)).toString(16);
}
