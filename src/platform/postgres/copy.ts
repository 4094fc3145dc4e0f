/** Bulk writes with COPY, the fastest way to write to PostgreSQL. */
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { clientTransaction } from "./client-transaction.ts";
import { type Database, databaseOn } from "./database.ts";

/** The signature, no flags, and no extension. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 */
const BEGINNING = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
/** A row with -1 fields ends the data. */
const END = Buffer.from([0xff, 0xff]);
/** The length of a value that is null. */
const NULL_LENGTH = -1;

/**
 * Collects rows for `COPY ... (FORMAT binary)` in reused memory. A new string of a megabyte per segment would make the heap grow.
 * PostgreSQL reads the binary format with a fifth less processor time than text: it need not search for the ends of values.
 */
export class CopyBuffer {
  readonly #capacity: number;
  #bytes: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.clear();
  }

  get length(): number {
    return this.#length;
  }

  /** Whether a long row has taken memory beyond the capacity. */
  get isOversized(): boolean {
    return this.#bytes.length > this.#capacity;
  }

  /** Appends bytes that are in the binary format already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends a value of the type `integer`. */
  integer(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeInt32BE(value, this.#bytes.writeInt32BE(4, this.#length));
  }

  /** Appends a value of a type whose binary format is its text. */
  text(value: string | null): void {
    this.#reserve(4);
    if (value === null) {
      this.#length = this.#bytes.writeInt32BE(NULL_LENGTH, this.#length);
      return;
    }
    const start = this.#length + 4;
    // A UTF-16 code unit takes at most three bytes. Counting the bytes takes time.
    if (start + value.length * 3 > this.#bytes.length) this.#reserve(4 + Buffer.byteLength(value));
    const length = this.#bytes.write(value, start);
    this.#bytes.writeInt32BE(length, this.#length);
    this.#length = start + length;
  }

  /** Returns all rows and the end. They are overwritten by the next value after `clear`. */
  content(): Buffer {
    this.#reserve(END.length);
    this.#bytes.set(END, this.#length);
    return this.#bytes.subarray(0, this.#length + END.length);
  }

  /** Also frees the memory beyond the capacity, which a long row has taken. */
  clear(): void {
    if (this.isOversized) this.#bytes = Buffer.allocUnsafe(this.#capacity);
    this.#bytes.set(BEGINNING);
    this.#length = BEGINNING.length;
  }

  #reserve(more: number): void {
    const bytes = this.#length + more;
    if (bytes <= this.#bytes.length) return;
    const content = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.concat([content], Math.max(bytes, this.#bytes.length + this.#capacity));
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
 * Writes one segment of rows in its own transaction, and holds a connection only for this time. Before the process relies
 * on the rows, it has to commit another transaction that writes to the same server.
 * @param guard runs last in the transaction, so that its locks are short; throws to prevent the write
 */
export async function copySegment(
  pool: pg.Pool,
  statement: string,
  content: Buffer,
  guard: (db: Database) => Promise<void>,
): Promise<void> {
  await clientTransaction(pool, BEGIN_SEGMENT, async (client) => {
    const stream = client.query(copyFrom(statement));
    if (!stream.write(content)) await once(stream, "drain");
    stream.end();
    await finished(stream);
    await guard(databaseOn(client));
  });
}
