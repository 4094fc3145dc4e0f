/** Bulk writes with COPY, the fastest way to write to PostgreSQL. */
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { clientTransaction } from "./client-transaction.ts";
import { type Database, databaseOn } from "./database.ts";

/** Escapes a value for the text format of COPY. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyValue(text: string): string {
  if (!/[\\\t\n\r]/.test(text)) return text;
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\t", "\\t")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
}

export const COPY_NULL = "\\N";

/** Collects lines as UTF-8 in reused memory. A new string of a megabyte per segment would make the heap grow. */
export class CopyBuffer {
  readonly #capacity: number;
  #bytes: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Whether a long line has taken memory beyond the capacity. */
  get isOversized(): boolean {
    return this.#bytes.length > this.#capacity;
  }

  append(line: string): void {
    // A UTF-16 code unit takes at most three bytes. Counting the bytes takes time.
    if (this.#length + line.length * 3 > this.#bytes.length)
      this.#reserve(this.#length + Buffer.byteLength(line));
    this.#length += this.#bytes.write(line, this.#length);
  }

  /** Returns all appended lines. They are overwritten by the next `append` after `clear`. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Also frees the memory beyond the capacity, which a long line has taken. */
  clear(): void {
    this.#length = 0;
    if (this.isOversized) this.#bytes = Buffer.allocUnsafe(this.#capacity);
  }

  #reserve(bytes: number): void {
    if (bytes > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], Math.max(bytes, this.#bytes.length + this.#capacity));
  }
}

/** The buffers of all uploads of a process: one that is written is used again, also by another upload. */
export class CopyBuffers {
  readonly #capacity: number;
  readonly #maxFree: number;
  readonly #free: CopyBuffer[] = [];

  constructor(capacity: number, maxFree: number) {
    this.#capacity = capacity;
    this.#maxFree = maxFree;
  }

  take(): CopyBuffer {
    return this.#free.pop() ?? new CopyBuffer(this.#capacity);
  }

  giveBack(buffer: CopyBuffer): void {
    buffer.clear();
    if (this.#free.length < this.#maxFree) this.#free.push(buffer);
  }
}

/**
 * The segments of an upload need not be on the disk before the transaction that accepts it. The log of a server is written in
 * order, so a commit that is durable makes every earlier one durable. A crash before that loses an upload that nobody has accepted.
 * On Citus a node that does not get this setting waits for its disk, and two-phase commits always do.
 */
const BEGIN_SEGMENT = "BEGIN; SET LOCAL synchronous_commit = off";

/**
 * Writes one segment of lines in its own transaction, and holds a connection only for this time. Before the process relies
 * on the lines, it has to commit another transaction that writes to the same server.
 * @param guard runs last in the transaction, so that its locks are short; throws to prevent the write
 */
export async function copySegment(
  pool: pg.Pool,
  statement: string,
  lines: Buffer,
  guard: (db: Database) => Promise<void>,
): Promise<void> {
  await clientTransaction(pool, BEGIN_SEGMENT, async (client) => {
    const stream = client.query(copyFrom(statement));
    if (!stream.write(lines)) await once(stream, "drain");
    stream.end();
    await finished(stream);
    await guard(databaseOn(client));
  });
}
