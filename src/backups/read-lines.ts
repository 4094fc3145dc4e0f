/** Reads a backup and checks everything in it: the order of its lines, its counts and its checksums. */
import { createHash, type Hash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import {
  BackupDamaged,
  FORMAT,
  type Header,
  isManifest,
  LINE_BREAK,
  MARK,
  type Manifest,
  readLine,
  type Section,
  type Table,
} from "./format.ts";

/** Receives the parts of a backup in their order. Rows are whole lines with their line breaks. */
export interface BackupReader {
  header?(header: Header): Promise<void>;
  table?(table: Table): Promise<void>;
  rows?(lines: Buffer): Promise<void>;
  end?(section: Section): Promise<void>;
}

const CHUNK_BYTES = 2 ** 18;

/**
 * @returns the header and the manifest
 * @throws BackupDamaged if the backup is truncated or changed; DomainError `invalid_input` if a newer version made it
 */
export async function readBackup(
  source: AsyncIterable<Buffer>,
  reader: BackupReader = {},
): Promise<{ header: Header; manifest: Manifest }> {
  const check = new Checker(reader);
  try {
    await pipeline(
      source,
      createGunzip({ chunkSize: CHUNK_BYTES }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const block of wholeLines(chunks)) await check.take(block);
      },
    );
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))
      throw new BackupDamaged("The file is truncated or not gzipped.", { cause: error });
    throw error;
  }
  return check.finish();
}

/** Yields buffers that end with a line break. A line that is longer than a chunk is a buffer of its own. */
async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_BREAK) + 1;
    if (end > 0) {
      yield Buffer.concat([...rest, chunk.subarray(0, end)]);
      rest = [];
    }
    if (end < chunk.length) rest.push(chunk.subarray(end));
  }
  if (rest.length > 0) throw new BackupDamaged("The last line is not complete.");
}

interface OpenSection {
  readonly name: string;
  readonly digest: Hash;
  rows: number;
  bytes: number;
}

class Checker {
  readonly #reader: BackupReader;
  readonly #digest = createHash("sha256");
  readonly #sections: Section[] = [];
  #header: Header | null = null;
  #open: OpenSection | null = null;
  #manifest: Manifest | null = null;

  constructor(reader: BackupReader) {
    this.#reader = reader;
  }

  /** @param block whole lines */
  async take(block: Buffer): Promise<void> {
    let start = 0;
    let rows = 0;
    for (let at = 0; at < block.length; ) {
      const end = block.indexOf(LINE_BREAK, at) + 1;
      if (block[at] === MARK) {
        await this.#takeRows(block.subarray(start, at), rows);
        await this.#takeLine(block.subarray(at, end));
        start = end;
        rows = 0;
      } else rows++;
      at = end;
    }
    await this.#takeRows(block.subarray(start), rows);
  }

  finish(): { header: Header; manifest: Manifest } {
    if (!this.#header || !this.#manifest) throw new BackupDamaged("The file is truncated.");
    return { header: this.#header, manifest: this.#manifest };
  }

  async #takeRows(lines: Buffer, rows: number): Promise<void> {
    if (rows === 0) return;
    if (!this.#open) throw new BackupDamaged("Rows are outside of a table.");
    this.#open.digest.update(lines);
    this.#open.rows += rows;
    this.#open.bytes += lines.length;
    await this.#reader.rows?.(lines);
  }

  async #takeLine(line: Buffer): Promise<void> {
    if (this.#manifest) throw new BackupDamaged("The file goes on after its end.");
    if (this.#header && !this.#open && isManifest(line)) {
      this.#takeManifest(readLine(line, "manifest"));
      return;
    }
    this.#digest.update(line);
    if (!this.#header) await this.#takeHeader(readLine(line, "rowmill-backup"));
    else if (this.#open) await this.#endTable(this.#open, readLine(line, "end"));
    else await this.#beginTable(readLine(line, "table"));
  }

  async #takeHeader(header: Header): Promise<void> {
    if (header.format > FORMAT)
      throw new BackupDamaged(
        `Rowmill ${header.version} made the backup, in a newer format. Install that version.`,
      );
    this.#header = header;
    await this.#reader.header?.(header);
  }

  async #beginTable(table: Table): Promise<void> {
    this.#open = { name: table.name, digest: createHash("sha256"), rows: 0, bytes: 0 };
    await this.#reader.table?.(table);
  }

  async #endTable({ name, rows, bytes, digest }: OpenSection, expected: Section): Promise<void> {
    const section = { name, rows, bytes, sha256: digest.digest("hex") };
    requireEqual(section, expected, `The rows of ${name} were changed`);
    this.#sections.push(section);
    this.#open = null;
    await this.#reader.end?.(section);
  }

  #takeManifest(manifest: Manifest): void {
    const read = { tables: this.#sections, sha256: this.#digest.digest("hex") };
    requireEqual(read, manifest, "The manifest does not match the tables");
    this.#manifest = manifest;
  }
}

function requireEqual(read: object, expected: object, problem: string): void {
  if (JSON.stringify(read) !== JSON.stringify(expected)) throw new BackupDamaged(`${problem}.`);
}
