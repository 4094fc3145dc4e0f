/** Bulk writes by COPY, the fastest way into PostgreSQL. */
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { type Database, databaseOn } from "./database.ts";

/** A value of COPY's text format. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyValue(text: string): string {
  if (!/[\\\t\n\r]/.test(text)) return text;
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\t", "\\t")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
}

export const COPY_NULL = "\\N";

/**
 * Collects lines as UTF-8 in memory that is used again and again: a string of a megabyte for each segment would
 * be garbage that the heap grows by.
 */
export class CopyBuffer {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  append(line: string): void {
    // A UTF-16 code unit takes at most three bytes.
    const needed = this.#length + line.length * 3;
    if (needed > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], Math.max(needed, this.#bytes.length * 2));
    this.#length += this.#bytes.write(line, this.#length);
  }

  /** What was appended; valid until the next `append` after `clear`. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}

/**
 * Writes one segment of lines in a transaction of its own, on a connection held only for it.
 * `guard` runs first in that transaction; what it throws stops the write.
 */
export async function copySegment(
  pool: pg.Pool,
  statement: string,
  lines: Buffer,
  guard: (db: Database) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    await guard(databaseOn(client));
    const stream = client.query(copyFrom(statement));
    if (!stream.write(lines)) await once(stream, "drain");
    stream.end();
    await finished(stream);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
