/** A file that is being stored, a mebibyte at a time and each in a short statement: a slow source holds nothing up. */
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
import { claimQuota, requireRoom } from "./quota.ts";
import { readChunk, readChunks, type StoredFile } from "./read-file.ts";
import { removeFiles } from "./remove-files.ts";
import { CHUNK_BYTES } from "./store-file.ts";

/** How much of a file may be stored before it is looked up again what its owner's others take. */
const QUOTA_STEP_BYTES = 32 * CHUNK_BYTES;
export interface FileOwner {
  readonly userId: number;
  readonly name: string;
  readonly origin: FileOrigin;
  /** The task that makes it. */
  readonly taskId?: string;
}

/**
 * Nobody sees the file before `finish`; disposed of without it, the file is removed. Bytes come in any order, though
 * only those that come in their own are cheap. One call at a time: wait for the one before.
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
  /** Chunks that the database has: the first so many, each in full length until `finish`. */
  #stored = 0;
  #bytes = 0;
  #roomBytes = 0;
  /** Of what was stored; null once a chunk was written again. */
  #hash: Hash | null = createHash("sha256");
  #isFinished = false;
  #isDatabaseAway = false;

  static async open(ctx: Context, owner: FileOwner): Promise<ChunkedFile> {
    const id = uuidV7(ctx.now());
    const { userId, name, origin, taskId = null } = owner;
    const receivingAt = ctx.now();
    const nothing = { mediaType: "application/octet-stream", bytes: 0, sha256: Buffer.alloc(0) };
    await ctx.db.insert(files).values({ id, userId, name, origin, taskId, receivingAt, ...nothing });
    return new ChunkedFile(ctx, id, owner);
  }

  private constructor(ctx: Context, id: string, owner: FileOwner) {
    this.id = id;
    this.#ctx = ctx;
    this.#owner = owner;
    this.#isReceiving = and(eq(files.id, id), isNotNull(files.receivingAt));
    this.#signOfLife = transferLife.start(
      async () => ctx.db.update(files).set({ receivingAt: ctx.now() }).where(this.#isReceiving),
      (error) => ctx.log.warn({ err: error, fileId: id }, "no sign of life for a file"),
    );
  }

  /** How long it is so far. */
  get bytes(): number {
    return this.#bytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.write(this.#bytes, bytes);
  }

  /**
   * What lies between the end so far and `position` becomes zeros.
   * @throws QuotaExceeded
   */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.length;
    this.#bytes = Math.max(this.#bytes, end);
    if (this.#bytes > this.#roomBytes) await this.#findRoom();
    for (let at = position; at < end; ) {
      const chunk = Math.floor(at / CHUNK_BYTES);
      await this.#goTo(chunk);
      const start = at - chunk * CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - start, end - at);
      this.#chunk.set(bytes.subarray(at - position, at - position + length), start);
      this.#isDirty = true;
      at += length;
    }
  }

  /**
   * Makes it one of its owner's files.
   * @param file its path, where its owner gave it one
   * @throws QuotaExceeded, DomainError `conflict` where another file has the path
   */
  async finish(file: { mediaType: string; path?: string | undefined }): Promise<StoredFile> {
    await this.#storeLast();
    const sha256 = this.#hash?.digest() ?? (await this.#readHash());
    const { userId, name } = this.#owner;
    const path = file.path ?? defaultPath(this.id, name);
    const whole = { path, mediaType: file.mediaType, bytes: this.#bytes, sha256, receivingAt: null };
    try {
      const stored = await inTransaction(this.#ctx, async (tx) => {
        await claimQuota(tx, userId, this.#bytes);
        const [stored] = await tx.db
          .update(files)
          .set({ ...whole, createdAt: tx.now() })
          .where(this.#isReceiving)
          .returning();
        if (!stored) throw removedMeanwhile();
        return stored;
      });
      this.#isFinished = true;
      return stored;
    } catch (error) {
      if (postgresError(error)?.code !== SQLSTATE.uniqueViolation) throw error;
      throw await pathTaken(this.#ctx, userId, path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signOfLife[Symbol.dispose]();
    if (this.#isFinished) return;
    // What can't be removed now, the reaper removes; nobody waits for a database that is away.
    const removal = removeFiles(this.#ctx, [this.id]).catch((error) => {
      this.#ctx.log.warn({ err: error, fileId: this.id }, "file left to the reaper");
    });
    if (!this.#isDatabaseAway) await removal;
  }

  async #findRoom(): Promise<void> {
    const room = await requireRoom(this.#ctx, this.#owner.userId, this.#bytes, this.id);
    this.#roomBytes = Math.min(room, this.#bytes + QUOTA_STEP_BYTES);
  }

  /** Has the chunk at this position in memory, and the one that was there in the database. */
  async #goTo(position: number): Promise<void> {
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

  /** What of it is in the database, while the last chunk is as long as the others. */
  #paddedFile() {
    return { id: this.id, bytes: this.#stored * CHUNK_BYTES };
  }

  async #storeLast(): Promise<void> {
    if (this.#bytes === 0) return;
    const last = Math.ceil(this.#bytes / CHUNK_BYTES) - 1;
    await this.#goTo(last);
    await this.#store(this.#chunk.subarray(0, this.#bytes - last * CHUNK_BYTES));
  }

  /** Also the sign of life. Where the reaper was faster, nothing may be written any more. */
  async #store(bytes: Buffer): Promise<void> {
    const { rowCount } = await this.#ctx.db
      .execute(sql`
        WITH alive AS (
          UPDATE rowmill.files SET bytes = ${this.#bytes}, receiving_at = ${this.#ctx.now().toISOString()}
          WHERE ${this.#isReceiving} RETURNING id
        )
        INSERT INTO rowmill.file_chunks (file_id, position, bytes)
        SELECT id, ${this.#position}::int, ${bytes}::bytea FROM alive
        ON CONFLICT (file_id, position) DO UPDATE SET bytes = excluded.bytes`)
      .catch((error) => {
        this.#isDatabaseAway = isDatabaseUnavailable(error);
        throw error;
      });
    if (rowCount !== 1) throw removedMeanwhile();
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

function removedMeanwhile(): DomainError {
  return new DomainError(
    "conflict",
    "The file took too long without a byte, or its task has ended; it was removed.",
  );
}
