/** Stores a file in chunks of 1 MiB, one short statement per chunk, so that a slow source holds no connection. */
import { createHash, type Hash } from "node:crypto";
import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { uuidV7 } from "../platform/ids.ts";
import { isDatabaseUnavailable, postgresError } from "../platform/postgres/database.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import { type FileOrigin, files } from "../schema/files.ts";
import { defaultPath } from "./names.ts";
import { pathTaken } from "./path-taken.ts";
import { claimQuota, reserveQuota } from "./quota.ts";
import { readChunk, readChunks, type StoredFile } from "./read-file.ts";
import { removeFiles } from "./remove-files.ts";
import { CHUNK_BYTES } from "./store-file.ts";

export interface FileOwner {
  readonly userId: number;
  readonly name: string;
  readonly origin: FileOrigin;
  /** The task that creates the file. */
  readonly taskId?: string;
  /** The minimum size, which is reserved at the beginning. */
  readonly declaredBytes?: number;
  /** The maximum size, which is reserved at the beginning as far as the quota allows. Absent: unknown. */
  readonly maxBytes?: number;
}

/**
 * The file stays invisible until `finish`; disposing of it before that removes it. Bytes can be written in any order,
 * but only sequential writes are cheap. Await each call before the next one.
 */
export class ChunkedFile implements AsyncDisposable {
  readonly id: string;
  readonly #ctx: Context;
  readonly #owner: FileOwner;
  readonly #isReceiving: SQL | undefined;
  readonly #signOfLife: Disposable;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #position = 0;
  #isDirty = false;
  /** The number of leading chunks in the database, each padded to CHUNK_BYTES until `finish`. */
  #stored = 0;
  #bytes = 0;
  /** The part of the quota that is reserved for the file. */
  #reservedBytes: number;
  /** Over the stored chunks; null as soon as a chunk is written again. */
  #hash: Hash | null = createHash("sha256");
  #isFinished = false;
  #isDatabaseDown = false;

  /** @throws QuotaExceeded */
  static async open(ctx: Context, owner: FileOwner): Promise<ChunkedFile> {
    const id = uuidV7(ctx.now());
    const { userId, name, origin, taskId = null, declaredBytes = 0, maxBytes = 0 } = owner;
    const receivingAt = ctx.now();
    const placeholders = { mediaType: "application/octet-stream", sha256: Buffer.alloc(0) };
    const bytes = await inTransaction(ctx, async (tx) => {
      const left = await claimQuota(tx, userId, [declaredBytes]);
      const bytes = declaredBytes + Math.min(left, Math.max(0, maxBytes - declaredBytes));
      await tx.db
        .insert(files)
        .values({ id, userId, name, origin, taskId, receivingAt, bytes, ...placeholders });
      return bytes;
    });
    return new ChunkedFile(ctx, id, owner, bytes);
  }

  private constructor(ctx: Context, id: string, owner: FileOwner, reservedBytes: number) {
    this.id = id;
    this.#ctx = ctx;
    this.#owner = owner;
    this.#reservedBytes = reservedBytes;
    this.#isReceiving = and(eq(files.id, id), isNotNull(files.receivingAt));
    this.#signOfLife = transferLife.start(
      async () => ctx.db.update(files).set({ receivingAt: ctx.now() }).where(this.#isReceiving),
      (error) => ctx.log.warn({ err: error, fileId: id }, "could not record the sign of life of a file"),
    );
  }

  /** The size so far. */
  get bytes(): number {
    return this.#bytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.write(this.#bytes, bytes);
  }

  /**
   * Fills a gap between the current end and `position` with zeros.
   * @throws QuotaExceeded; DomainError `conflict` if the file was removed meanwhile
   */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.length;
    this.#bytes = Math.max(this.#bytes, end);
    if (this.#bytes > this.#reservedBytes) await this.#reserve();
    for (let at = position; at < end; ) {
      const chunk = Math.floor(at / CHUNK_BYTES);
      await this.#loadChunk(chunk);
      const start = at - chunk * CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - start, end - at);
      this.#chunk.set(bytes.subarray(at - position, at - position + length), start);
      this.#isDirty = true;
      at += length;
    }
  }

  /**
   * Stores the rest and makes the file visible to its owner.
   * @param file `path` absent: the default path
   * @throws DomainError `conflict` if another file has the path, or if the file was removed meanwhile
   */
  async finish(file: { mediaType: string; path?: string | undefined }): Promise<StoredFile> {
    await this.#storeLastChunk();
    const sha256 = this.#hash?.digest() ?? (await this.#readHash());
    const { userId, name } = this.#owner;
    const path = file.path ?? defaultPath(this.id, name);
    const finished = { path, mediaType: file.mediaType, bytes: this.#bytes, sha256, receivingAt: null };
    try {
      const [stored] = await this.#ctx.db
        .update(files)
        .set({ ...finished, createdAt: this.#ctx.now() })
        .where(this.#isReceiving)
        .returning();
      if (!stored) throw unfinishedFileRemoved();
      this.#isFinished = true;
      return stored;
    } catch (error) {
      if (postgresError(error)?.code !== SQLSTATE.uniqueViolation) throw error;
      throw await pathTaken(this.#ctx, userId, path, error);
    }
  }

  /** Stores the rest, so that `readChunk` finds all bytes, and leaves the file invisible. */
  async seal(): Promise<Pick<StoredFile, "id" | "bytes">> {
    await this.#storeLastChunk();
    return { id: this.id, bytes: this.#bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signOfLife[Symbol.dispose]();
    if (this.#isFinished) return;
    // The reconciler removes the file if this fails. Do not wait for a database that is down.
    const removal = removeFiles(this.#ctx, [this.id]).catch((error) => {
      this.#ctx.log.warn(
        { err: error, fileId: this.id },
        "could not remove an unfinished file; the reconciler will remove it",
      );
    });
    if (!this.#isDatabaseDown) await removal;
  }

  async #reserve(): Promise<void> {
    const { userId, declaredBytes = 0 } = this.#owner;
    const file = { userId, id: this.id };
    this.#reservedBytes = await reserveQuota(this.#ctx, file, this.#bytes, declaredBytes > 0);
  }

  /** Writes the chunk in memory to the database and loads the chunk at this position. */
  async #loadChunk(position: number): Promise<void> {
    if (position === this.#position) return;
    if (this.#isDirty || this.#position === this.#stored) await this.#store(this.#chunk);
    while (this.#stored < position) {
      this.#chunk.fill(0);
      this.#position = this.#stored;
      await this.#store(this.#chunk);
    }
    if (position < this.#stored) this.#chunk.set(await readChunk(this.#ctx, this.#paddedFile(), position));
    else this.#chunk.fill(0);
    this.#position = position;
  }

  /** The file as `readChunk` expects it while all stored chunks have full length. */
  #paddedFile() {
    return { id: this.id, bytes: this.#stored * CHUNK_BYTES };
  }

  async #storeLastChunk(): Promise<void> {
    if (this.#bytes === 0) return;
    const last = Math.ceil(this.#bytes / CHUNK_BYTES) - 1;
    await this.#loadChunk(last);
    await this.#store(this.#chunk.subarray(0, this.#bytes - last * CHUNK_BYTES));
  }

  /** Also records the sign of life. @throws DomainError `conflict` if the reconciler removed the file */
  async #store(bytes: Buffer): Promise<void> {
    const { rows } = await this.#ctx.db
      .execute(sql`
        WITH alive AS (
          UPDATE rowmill.files SET receiving_at = ${this.#ctx.now().toISOString()}
          WHERE ${this.#isReceiving} RETURNING true
        )
        INSERT INTO rowmill.file_chunks (file_id, position, bytes)
        SELECT ${this.id}::uuid, ${this.#position}::int, ${bytes}::bytea FROM alive
        ON CONFLICT (file_id, position) DO UPDATE SET bytes = excluded.bytes RETURNING position`)
      .catch((error) => {
        this.#isDatabaseDown = isDatabaseUnavailable(error);
        throw error;
      });
    if (rows.length !== 1) throw unfinishedFileRemoved();
    if (this.#position < this.#stored) this.#hash = null;
    else this.#stored++;
    this.#hash?.update(bytes);
    this.#isDirty = false;
  }

  async #readHash(): Promise<Buffer> {
    const hash = createHash("sha256");
    const file = { id: this.id, bytes: this.#bytes };
    for await (const bytes of readChunks(this.#ctx, file)) hash.update(bytes);
    return hash.digest();
  }
}

function unfinishedFileRemoved(): DomainError {
  return new DomainError(
    "conflict",
    "The file was removed: no data arrived for too long, or its task ended. Send the file again.",
  );
}
