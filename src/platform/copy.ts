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
 * Writes one segment of lines in a transaction of its own, on a connection held only for it.
 * `guard` runs first in that transaction; what it throws stops the write.
 */
export async function copySegment(
  pool: pg.Pool,
  statement: string,
  lines: string,
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
