/** Reads the parts of a ZIP file, one after another, within limits. */
import { type FileEntry, Reader, ZipReader } from "@zip.js/zip.js/lib/zip-core-external.js";
import { DomainError, invalidField } from "../../errors.ts";
import type { RandomAccess } from "./random-access.ts";
import { damaged, quoted, tooLarge } from "./refusals.ts";

const MAX_PARTS = 10_000;
/** More than the directory of MAX_PARTS parts has, which is read at once. */
const MAX_READ_BYTES = 8 * 2 ** 20;
/** Data does not compress better than this. Up to FREE_BYTES, any ratio is allowed. */
export const MAX_RATIO = 200;
export const FREE_BYTES = 16 * 2 ** 20;

const OPTIONS = { useWebWorkers: false, useCompressionStream: true, checkSignature: true } as const;

export class Zip {
  readonly #access: Access;
  readonly #parts: ReadonlyMap<string, FileEntry>;

  private constructor(access: Access, parts: ReadonlyMap<string, FileEntry>) {
    this.#access = access;
    this.#parts = parts;
  }

  /** @throws DomainError `invalid_input` or `too_large` */
  static async open(file: RandomAccess): Promise<Zip> {
    const access = new Access(file);
    const parts = new Map<string, FileEntry>();
    try {
      for await (const entry of new ZipReader(access, OPTIONS).getEntriesGenerator()) {
        if (parts.size >= MAX_PARTS) throw tooLarge(`has more than ${MAX_PARTS} parts`);
        if (!entry.directory) parts.set(keyOf(entry.filename), entry);
      }
    } catch (error) {
      throw access.reasonOf(error, "the directory of its parts cannot be read");
    }
    return new Zip(access, parts);
  }

  has(path: string): boolean {
    return this.#parts.has(keyOf(path));
  }

  /** Whether a part has a name that begins so. */
  hasFolder(path: string): boolean {
    return this.#parts.keys().some((key) => key.startsWith(keyOf(path)));
  }

  /** The size of a part, unpacked, as the directory says; 0 if there is no such part. */
  sizeOf(path: string): number {
    return this.#parts.get(keyOf(path))?.uncompressedSize ?? 0;
  }

  /**
   * Yields the content of a part.
   * @throws DomainError `too_large`, or `invalid_input` if the part is missing, damaged or encrypted
   */
  async *read(path: string, maxBytes: number): AsyncGenerator<Uint8Array> {
    const entry = this.#parts.get(keyOf(path));
    if (!entry) throw damaged(`it has no part ${quoted(path)}`);
    if (entry.encrypted)
      throw invalidField("file", "has a password. Remove the password, save it again, and send that file.");
    const stop = new AbortController();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    let failure: unknown;
    const unpacking = entry.getData(writable, { ...OPTIONS, signal: stop.signal }).catch((error: unknown) => {
      failure = error;
      // Also if the error came before the first byte.
      return writable.abort(error).catch(() => undefined);
    });
    const reader = readable.getReader();
    let bytes = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        bytes += value.length;
        checkSize(entry, bytes, maxBytes);
        yield value;
      }
      await unpacking;
      if (failure !== undefined) throw failure;
    } catch (error) {
      throw this.#access.reasonOf(error, `its part ${quoted(path)} cannot be unpacked`);
    } finally {
      stop.abort();
      await reader.cancel().catch(() => undefined);
      await unpacking;
    }
  }
}

/** The names of parts differ in more than upper and lower case (ECMA-376, part 2). */
function keyOf(path: string): string {
  return path.replaceAll("\\", "/").replace(/^\//, "").toLowerCase();
}

function checkSize(entry: FileEntry, bytes: number, maxBytes: number): void {
  const name = quoted(entry.filename);
  if (bytes > entry.uncompressedSize) throw damaged(`its part ${name} is larger than its directory says`);
  if (bytes > maxBytes) throw tooLarge(`has a part of more than ${maxBytes} bytes, ${name}`);
  if (bytes > FREE_BYTES && bytes > entry.compressedSize * MAX_RATIO)
    throw tooLarge(`has a part that is more than ${MAX_RATIO} times as large as in the file, ${name}`);
}

/** Keeps the error of the file apart from those of the ZIP reader. */
class Access extends Reader<RandomAccess> {
  readonly #file: RandomAccess;
  #failure: { readonly error: unknown } | undefined;

  constructor(file: RandomAccess) {
    super(file);
    this.#file = file;
    this.size = file.bytes;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    const end = Math.min(index + length, this.size);
    if (length > MAX_READ_BYTES) throw this.#fail(tooLarge("has too many parts"));
    if (index < 0 || index >= end) return new Uint8Array();
    try {
      return await this.#file.read(index, end);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }

  /** Returns the error to show: that of the file if it had one, and otherwise that the ZIP is damaged. */
  reasonOf(error: unknown, what: string): unknown {
    if (this.#failure) return this.#failure.error;
    return error instanceof DomainError ? error : damaged(what, error);
  }
}
