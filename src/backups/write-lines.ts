import { createHash } from "node:crypto";
import { copyStatement, listSequences, listTables, type StoredTable } from "./catalogue.ts";
import {
  type Content,
  FORMAT,
  type Header,
  LINE_BREAK,
  type LineKind,
  type Section,
  writeLine,
} from "./format.ts";
import type { Snapshot } from "./snapshot.ts";

/** Receives the number of tables and bytes that were read. */
export type OnTable = (section: Section, percent: number) => void;

/** Yields the lines of a backup in pieces of any length. It holds one piece at a time, never a whole row. */
export async function* writeLines(
  snapshot: Snapshot,
  excluded: readonly string[],
  facts: Pick<Header, "version" | "id" | "created_at">,
  onTable: OnTable,
): AsyncGenerator<Buffer> {
  const { client } = snapshot;
  const tables = await listTables(client, excluded);
  const { rows: applied } = await client.query<{ hash: string }>(
    "SELECT hash FROM rowmill.__drizzle_migrations ORDER BY id",
  );
  const digest = createHash("sha256");
  const line = <K extends LineKind>(kind: K, content: Content<K>) => {
    const bytes = writeLine(kind, content);
    digest.update(bytes);
    return bytes;
  };
  const migrations = applied.map(({ hash }) => hash);
  const sequences = await listSequences(client, excluded);
  yield line("rowmill-backup", { format: FORMAT, ...facts, migrations, sequences });
  const totalBytes = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const sections: Section[] = [];
  let readBytes = 0;
  for (const table of tables) {
    const { name, columns, partitions } = table;
    yield line("table", { name, columns: [...columns], partitions: [...partitions] });
    const section = yield* writeRows(snapshot, table);
    yield line("end", section);
    sections.push(section);
    readBytes += table.bytes;
    onTable(section, (readBytes / Math.max(1, totalBytes)) * 100);
  }
  yield writeLine("manifest", { tables: sections, sha256: digest.digest("hex") });
}

async function* writeRows(snapshot: Snapshot, table: StoredTable): AsyncGenerator<Buffer, Section> {
  const digest = createHash("sha256");
  let bytes = 0;
  let rows = 0;
  for await (const chunk of snapshot.copy(copyStatement(table))) {
    digest.update(chunk);
    bytes += chunk.length;
    rows += countLines(chunk);
    yield chunk;
  }
  return { name: table.name, rows, bytes, sha256: digest.digest("hex") };
}

function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_BREAK); at !== -1; at = chunk.indexOf(LINE_BREAK, at + 1)) lines++;
  return lines;
}
