import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { fileChunks, files } from "../schema/files.ts";
import { CHUNK_BYTES } from "./store-file.ts";

export type StoredFile = typeof files.$inferSelect;

/** No owner check: the unguessable id is the capability. */
export async function findPicture(ctx: Context, id: string): Promise<StoredFile | null> {
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(and(eq(files.id, id), eq(files.origin, "picture")));
  return file ?? null;
}

/**
 * Yields the bytes from `start` to `end` (exclusive) in pieces of up to 1 MiB. No connection is held between two pieces.
 */
export async function* readChunks(
  ctx: Context,
  file: Pick<StoredFile, "id" | "bytes">,
  start = 0,
  end = file.bytes,
): AsyncGenerator<Buffer> {
  for (let position = Math.floor(start / CHUNK_BYTES); position * CHUNK_BYTES < end; position++) {
    const chunk = await readChunk(ctx, file, position);
    const first = position * CHUNK_BYTES;
    yield chunk.subarray(Math.max(0, start - first), Math.min(chunk.length, end - first));
  }
}

export class FileRemoved extends Error {
  override name = "FileRemoved";
}

/** @throws FileRemoved */
export async function readChunk(
  ctx: Context,
  { id, bytes }: Pick<StoredFile, "id" | "bytes">,
  position: number,
): Promise<Buffer> {
  const [chunk] = await ctx.db
    .select({ bytes: fileChunks.bytes })
    .from(fileChunks)
    .where(and(eq(fileChunks.fileId, id), eq(fileChunks.position, position)));
  if (!chunk) throw new FileRemoved(`File ${id} was removed while it was read.`);
  const expected = Math.min(CHUNK_BYTES, bytes - position * CHUNK_BYTES);
  if (chunk.bytes.length !== expected)
    throw new Error(
      `Chunk ${position} of file ${id} has ${chunk.bytes.length} bytes instead of ${expected}.`,
    );
  return chunk.bytes;
}
