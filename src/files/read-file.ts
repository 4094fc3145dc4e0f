import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { fileChunks, files } from "../schema/files.ts";

export type StoredFile = typeof files.$inferSelect;

export async function findFile(ctx: Context, id: string): Promise<StoredFile | null> {
  const [file] = await ctx.db.select().from(files).where(eq(files.id, id));
  return file ?? null;
}

/** The bytes of a file, a mebibyte at a time; no connection is held between two of them. */
export async function* readChunks(ctx: Context, file: StoredFile): AsyncGenerator<Buffer> {
  let read = 0;
  for (let position = 0; read < file.bytes; position++) {
    const [chunk] = await ctx.db
      .select({ bytes: fileChunks.bytes })
      .from(fileChunks)
      .where(and(eq(fileChunks.fileId, file.id), eq(fileChunks.position, position)));
    if (!chunk) throw new Error(`file ${file.id} was removed while it was read`);
    read += chunk.bytes.length;
    yield chunk.bytes;
  }
}
