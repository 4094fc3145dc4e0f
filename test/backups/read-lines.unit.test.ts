import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { BackupDamaged } from "../../src/backups/format.ts";
import { type BackupReader, readBackup } from "../../src/backups/read-lines.ts";

const sha256 = (...lines: string[]) =>
  createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex");

const HEADER = JSON.stringify([
  "rowmill-backup",
  { format: 1, version: "0.6.0", migrations: ["a"], id: "1", created_at: "now", sequences: [] },
]);

/** A backup of these tables. */
function backupOf(tables: Record<string, string[]>): string[] {
  const sections = Object.entries(tables).map(([name, rows]) => {
    const bytes = rows.reduce((sum, row) => sum + Buffer.byteLength(row) + 1, 0);
    return { name, rows: rows.length, bytes, sha256: sha256(...rows) };
  });
  const parts = sections.map((section) => {
    const begin = JSON.stringify(["table", { name: section.name, columns: ["id"], partitions: [] }]);
    return { begin, rows: tables[section.name] ?? [], end: JSON.stringify(["end", section]) };
  });
  const digest = sha256(HEADER, ...parts.flatMap(({ begin, end }) => [begin, end]));
  const manifest = JSON.stringify(["manifest", { tables: sections, sha256: digest }]);
  return [HEADER, ...parts.flatMap(({ begin, rows, end }) => [begin, ...rows, end]), manifest];
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const zipped = (lines: readonly string[]) => gzipSync(lines.map((line) => `${line}\n`).join(""));
const read = (lines: readonly string[], reader?: BackupReader) =>
  readBackup(inPieces(zipped(lines), 1000), reader);

const LONG = `{"id":3,"text":"${"x".repeat(3_000_000)}"}`;
const GOOD = backupOf({ empty: [], books: ['{"id":1}', '{"id":2}', LONG], users: ['{"id":7}'] });

test("rows arrive as whole lines, in their order, also if a line is longer than a chunk", async () => {
  const seen: string[] = [];
  const { manifest } = await read(GOOD, {
    async table({ name }) {
      seen.push(`table ${name}`);
    },
    async rows(lines) {
      seen.push(...lines.toString().trimEnd().split("\n"));
    },
    async end({ name }) {
      seen.push(`end ${name}`);
    },
  });
  expect(seen).toEqual([
    "table empty",
    "end empty",
    "table books",
    '{"id":1}',
    '{"id":2}',
    LONG,
    "end books",
    "table users",
    '{"id":7}',
    "end users",
  ]);
  expect(manifest.tables.map(({ name, rows }) => [name, rows])).toEqual([
    ["empty", 0],
    ["books", 3],
    ["users", 1],
  ]);
});

describe("a damaged backup is recognized", () => {
  const SMALL = backupOf({ books: ['{"id":1}', '{"id":2}'], users: ['{"id":7}'] });

  test("a backup that ends after any of its bytes is damaged", async () => {
    const bytes = zipped(SMALL);
    for (let length = 0; length < bytes.length; length++)
      await expect(readBackup(inPieces(bytes.subarray(0, length), 50))).rejects.toThrow(BackupDamaged);
    await readBackup(inPieces(bytes, 50));
  });

  test("a backup that lacks any of its lines, or has one twice, is damaged", async () => {
    for (const at of SMALL.keys()) {
      await expect(read(SMALL.toSpliced(at, 1))).rejects.toThrow(BackupDamaged);
      await expect(read(SMALL.toSpliced(at, 0, SMALL[at] ?? ""))).rejects.toThrow(BackupDamaged);
    }
  });

  test.each([
    ["a row", '{"id":2}', '{"id":3}', "The rows of books were changed."],
    ["a count", '"rows":2', '"rows":1', "The rows of books were changed."],
    ["a column", '"columns":["id"]', '"columns":["no"]', "The manifest does not match the tables."],
    ["the header", '"created_at":"now"', '"created_at":"past"', "The manifest does not match the tables."],
    ["the format", '"format":1', '"format":2', "Rowmill 0.6.0 made the backup, in a newer format."],
    ["a kind", '["table"', '["tables"', 'A line "table" is missing'],
    ["JSON", '["table",', '["table"', "A line is not JSON."],
    ["a part of a line", '"partitions"', '"others"', 'A line "table" is not complete.'],
  ])("if %s was changed", async (_, from, to, problem) => {
    const changed = SMALL.join("\n").replace(from, to).split("\n");
    await expect(read(changed)).rejects.toThrow(problem);
  });

  test("another file is a damaged backup", async () => {
    await expect(readBackup(inPieces(Buffer.from("PGDMP"), 50))).rejects.toThrow("not gzipped");
    await expect(read(["{}"])).rejects.toThrow("Rows are outside of a table.");
  });
});
