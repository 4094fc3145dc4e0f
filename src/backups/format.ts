/**
 * The format of a backup: gzipped JSON lines. A row is an object; every other line is an array of its kind and its content:
 *
 *     ["rowmill-backup",{"format":1,"version":"0.6.0",...}]
 *     ["table",{"name":"users",...}]
 *     {"id":1,"username":"ada",...}
 *     ["end",{"name":"users","rows":1,"bytes":212,"sha256":"..."}]
 *     ["manifest",{"tables":[...],"sha256":"..."}]
 *
 * The manifest is the last line, so a backup is written and read as a stream, and a truncated one is recognized.
 */
import Type, { type Static, type TSchema } from "typebox";
import Value from "typebox/value";

export const FORMAT = 1;

const Table = Type.Object({
  name: Type.String(),
  columns: Type.Array(Type.String()),
  /** Rows are read and restored through a partitioned table, which needs its partitions. */
  partitions: Type.Array(Type.Object({ name: Type.String(), bound: Type.String() })),
});
export type Table = Static<typeof Table>;

const Header = Type.Object({
  format: Type.Integer(),
  /** The version of Rowmill. */
  version: Type.String(),
  /** The hashes of the applied migrations, in their order. They identify the version of the tables. */
  migrations: Type.Array(Type.String()),
  id: Type.String(),
  created_at: Type.String(),
  /** The next value of each sequence. */
  sequences: Type.Array(Type.Object({ name: Type.String(), last: Type.String() })),
});
export type Header = Static<typeof Header>;

/** The rows of a table, as they are in the backup. `bytes` and `sha256` cover the lines with their line breaks. */
const Section = Type.Object({
  name: Type.String(),
  rows: Type.Integer(),
  bytes: Type.Integer(),
  sha256: Type.String(),
});
export type Section = Static<typeof Section>;

const Manifest = Type.Object({
  tables: Type.Array(Section),
  /** SHA-256 of all lines before this one that are no rows. Through their checksums it covers the rows as well. */
  sha256: Type.String(),
});
export type Manifest = Static<typeof Manifest>;

const contents = {
  "rowmill-backup": Header,
  table: Table,
  end: Section,
  manifest: Manifest,
} as const satisfies Record<string, TSchema>;
export type LineKind = keyof typeof contents;
export type Content<K extends LineKind> = Static<(typeof contents)[K]>;

/** The first byte of a line that is no row. */
export const MARK = "[".charCodeAt(0);
export const LINE_BREAK = "\n".charCodeAt(0);

export class BackupDamaged extends Error {
  override name = "BackupDamaged";
}

export function writeLine<K extends LineKind>(kind: K, content: Content<K>): Buffer {
  return Buffer.from(`${JSON.stringify([kind, content])}\n`);
}

/** @throws BackupDamaged if the line is of another kind */
export function readLine<K extends LineKind>(line: Buffer, kind: K): Content<K> {
  const value = parse(line);
  const [found, content] = Array.isArray(value) ? value : [];
  if (found !== kind)
    throw new BackupDamaged(`A line "${kind}" is missing where the file has "${String(found)}".`);
  if (!Value.Check(contents[kind], content)) throw new BackupDamaged(`A line "${kind}" is not complete.`);
  return content as Content<K>;
}

/** Whether a line that is no row ends the backup instead of beginning the next table. */
export function isManifest(line: Buffer): boolean {
  return line.subarray(0, MANIFEST_START.length).equals(MANIFEST_START);
}

const MANIFEST_START = Buffer.from('["manifest",');

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (error) {
    throw new BackupDamaged("A line is not JSON.", { cause: error });
  }
}
