/** Stores a file that must be read from its end, for as long as it is read. */
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { ChunkedFile } from "../../files/chunked-file.ts";
import { FileRemoved, readChunk } from "../../files/read-file.ts";
import { CHUNK_BYTES } from "../../files/store-file.ts";
import type { RandomAccess } from "../../platform/workbooks/random-access.ts";
import { uploadRemoved } from "./store-rows.ts";

/** Dispose of it to remove the file. The reconciler removes that of a process which died. */
export interface SpooledFile extends RandomAccess, AsyncDisposable {}

/**
 * Stores a file in the database, in chunks as other files, invisible to its owner. It counts for the quota of files.
 * @throws QuotaExceeded; DomainError `too_large`
 */
export async function spoolFile(
  ctx: Context,
  userId: number,
  source: AsyncIterable<Uint8Array>,
): Promise<SpooledFile> {
  const maxBytes = ctx.config.workbookMaxBytes;
  const spool = await ChunkedFile.open(ctx, { userId, name: "workbook", origin: "upload" });
  try {
    for await (const bytes of source) {
      if (spool.bytes + bytes.length > maxBytes) throw tooLarge(maxBytes);
      await spool.append(bytes);
    }
    const stored = await spool.seal();
    const chunkAt = cachingLast((position) => readChunk(ctx, stored, position).catch(explainRemoval));
    return {
      bytes: stored.bytes,
      read: (start, end) => readRange(chunkAt, start, end),
      [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose](),
    };
  } catch (error) {
    await spool[Symbol.asyncDispose]();
    throw error;
  }
}

type ReadChunk = (position: number) => Promise<Uint8Array>;

/** A workbook is read in pieces of 64 KiB. */
function cachingLast(read: ReadChunk): ReadChunk {
  let last: { readonly position: number; readonly chunk: Uint8Array } | undefined;
  return async (position) => {
    if (last?.position !== position) last = { position, chunk: await read(position) };
    return last.chunk;
  };
}

async function readRange(chunkAt: ReadChunk, start: number, end: number): Promise<Uint8Array> {
  const range = new Uint8Array(end - start);
  for (let at = start; at < end; ) {
    const from = at % CHUNK_BYTES;
    const piece = (await chunkAt((at - from) / CHUNK_BYTES)).subarray(from, from + end - at);
    range.set(piece, at - start);
    at += piece.length;
  }
  return range;
}

/** The reconciler removes the file of a process that gives no sign of life. */
function explainRemoval(error: unknown): never {
  throw error instanceof FileRemoved ? uploadRemoved() : error;
}

function tooLarge(maxBytes: number): DomainError {
  const message = `The workbook has more than ${maxBytes} bytes (WORKBOOK_MAX_BYTES). Save the sheet as CSV (UTF-8), which can be larger.`;
  return new DomainError("too_large", message);
}
