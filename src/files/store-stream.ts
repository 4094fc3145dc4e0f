import type { Readable } from "node:stream";
import type { Context } from "../context.ts";
import { ChunkedFile, type FileOwner } from "./chunked-file.ts";
import { nameOf } from "./names.ts";
import type { StoredFile } from "./read-file.ts";

export interface FileToStore extends FileOwner {
  readonly mediaType: string;
}

/**
 * Stores a file that a task creates while it arrives. If anything fails, no part of it remains. Do not call it in a
 * transaction: a slow source would hold it open.
 * @throws QuotaExceeded
 */
export async function storeStream(
  ctx: Context,
  { mediaType, ...owner }: FileToStore,
  source: Readable | Uint8Array,
): Promise<StoredFile> {
  await using stored = await ChunkedFile.open(ctx, { ...owner, name: nameOf(owner.name) });
  if (source instanceof Uint8Array) await stored.append(source);
  else
    for await (const piece of source)
      await stored.append(typeof piece === "string" ? Buffer.from(piece) : piece);
  return await stored.finish({ mediaType });
}
