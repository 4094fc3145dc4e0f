import { createHash } from "node:crypto";
import type { Tx } from "../context.ts";
import { type FileOrigin, fileChunks, files } from "../schema/files.ts";

export const CHUNK_BYTES = 2 ** 20;

export interface NewFile {
  readonly id: string;
  readonly userId: number;
  readonly origin: FileOrigin;
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Stores a file that is already in memory. */
export async function storeFile(tx: Tx, { bytes, ...file }: NewFile): Promise<void> {
  const sha256 = createHash("sha256").update(bytes).digest();
  await tx.db.insert(files).values({ ...file, bytes: bytes.length, sha256 });
  for (let position = 0; position * CHUNK_BYTES < bytes.length; position++) {
    const start = position * CHUNK_BYTES;
    await tx.db
      .insert(fileChunks)
      .values({ fileId: file.id, position, bytes: bytes.subarray(start, start + CHUNK_BYTES) });
  }
}
