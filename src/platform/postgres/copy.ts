/** Bulk writes with COPY, the fastest way to write to PostgreSQL. */
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
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

  /** Returns all appended lines. They are overwritten by the next `append` after `clear`. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}

/**
 * Writes one segment of lines in its own transaction, and holds a connection only for this time.
 * @param guard runs first in the transaction; throws to prevent the write
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
