/** Opens the file of a task, from the database or from FILES_ROOT. */
import type { FileHandle } from "node:fs/promises";
import { and, eq, isNull } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Context } from "../context.ts";
import { Permanent } from "../errors.ts";
import { files } from "../schema/files.ts";
import { openBelow } from "./files-root.ts";
import { FileRemoved, readChunk, readChunks, type StoredFile } from "./read-file.ts";
import type { ReadableFile } from "./readable-file.ts";
import { Sniffer } from "./sniff.ts";
import { CHUNK_BYTES } from "./store-file.ts";

export interface OpenTaskFile extends ReadableFile, AsyncDisposable {}

export interface FileOfTask {
  readonly userId: number;
  /** null: `path` is below FILES_ROOT. */
  readonly fileId: string | null;
  readonly path: string;
  readonly name: string;
}

/** @throws Permanent `file_missing` if the file no longer exists */
export async function openTaskFile(ctx: Context, file: FileOfTask): Promise<OpenTaskFile> {
  return file.fileId === null ? openInRoot(ctx, file) : openStored(ctx, file.userId, file.fileId);
}

/** Readers of pictures and videos read the same region repeatedly, a few kilobytes at a time. */
const CACHED_CHUNKS = 4;

async function openStored(ctx: Context, userId: number, id: string): Promise<OpenTaskFile> {
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(and(eq(files.id, id), eq(files.userId, userId), isNull(files.receivingAt)));
  if (!file) throw missing();
  const { name, bytes, mediaType } = file;
  const cache = new LRUCache<number, Buffer>({ max: CACHED_CHUNKS });
  const chunkAt = async (position: number) => {
    const chunk = cache.get(position) ?? (await orMissing(() => readChunk(ctx, file, position)));
    cache.set(position, chunk);
    return chunk;
  };
  return {
    name,
    bytes,
    mediaType,
    async read(start, end) {
      requireRange(bytes, start, end);
      const pieces: Buffer[] = [];
      for (let at = start; at < end; ) {
        const position = Math.floor(at / CHUNK_BYTES);
        const piece = (await chunkAt(position)).subarray(
          at - position * CHUNK_BYTES,
          end - position * CHUNK_BYTES,
        );
        pieces.push(piece);
        at += piece.length;
      }
      return Buffer.concat(pieces);
    },
    chunks: () => storedChunks(ctx, file),
    async [Symbol.asyncDispose]() {
      cache.clear();
    },
  };
}

async function* storedChunks(ctx: Context, file: StoredFile): AsyncGenerator<Buffer> {
  const chunks = readChunks(ctx, file);
  for (;;) {
    const next = await orMissing(() => chunks.next());
    if (next.done) return;
    yield next.value;
  }
}

async function openInRoot(ctx: Context, { path, name }: FileOfTask): Promise<OpenTaskFile> {
  const root = ctx.config.filesRoot;
  const handle = root ? await openBelow(root, path) : null;
  if (!handle) throw missing();
  await using stack = new AsyncDisposableStack();
  stack.use(handle);
  const { size: bytes } = await handle.stat();
  const read = async (start: number, end: number) => {
    requireRange(bytes, start, end);
    return readFully(handle, start, end);
  };
  const sniffer = new Sniffer();
  const first = await read(0, Math.min(CHUNK_BYTES, bytes));
  sniffer.update(first);
  const mediaType = await sniffer.mediaType(name, first.length === bytes);
  const opened = stack.move();
  return {
    name,
    bytes,
    mediaType,
    read,
    async *chunks() {
      for (let start = 0; start < bytes; start += CHUNK_BYTES)
        yield await read(start, Math.min(start + CHUNK_BYTES, bytes));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function readFully(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(end - start);
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled);
    if (bytesRead === 0)
      throw new Permanent("file_changed", "The file became shorter while the task read it.");
    filled += bytesRead;
  }
  return buffer;
}

function requireRange(bytes: number, start: number, end: number): void {
  if (start < 0 || end < start || end > bytes)
    throw new RangeError(`The range ${start} to ${end} is outside a file of ${bytes} bytes.`);
}

async function orMissing<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof FileRemoved ? missing(error) : error;
  }
}

function missing(cause?: unknown): Permanent {
  return new Permanent("file_missing", "The file no longer exists. Upload it again and create a new task.", {
    cause,
  });
}
