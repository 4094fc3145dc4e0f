/** Files that are not CSV are refused by name, and gzip files are unpacked. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openCsv } from "../../../src/platform/csv/open-csv.ts";
import { unpacked } from "../../../src/platform/csv/unpack.ts";
import { cut, limits } from "../../support/csv-reader.ts";

async function read(bytes: Uint8Array, { maxBytes = 1e9, size = 65_536 } = {}): Promise<string[][]> {
  const csv = await openCsv(unpacked(cut(bytes, size), maxBytes), {}, { ...limits, cellMaxBytes: 1_000_000 });
  const rows = [[...(csv.header?.names ?? [])]];
  for await (const block of csv.records) rows.push(...block.map(({ fields }) => fields));
  return rows;
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
/** Data without a pattern, the same in every run. */
const noise = (length: number) => {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state >> 8;
  });
};

function zipEntry(name: string, content: string): Buffer {
  const header = Buffer.alloc(30);
  header.write("PK\x03\x04", "latin1");
  header.writeUInt16LE(20, 4);
  header.writeUInt32LE(content.length, 18);
  header.writeUInt32LE(content.length, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name + content)]);
}

describe("a file that is not CSV is refused by name", () => {
  test.each<[what: string, bytes: Uint8Array]>([
    ["an Excel workbook", latin1("PK\x03\x04\x14\0\x06\0")],
    ["an old Excel workbook", latin1("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0")],
    ["a PDF", latin1("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")],
    ["a picture", latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01")],
    ["a picture", latin1("GIF89a\x01\0\x01\0\x80\0\0")],
    ["an archive", latin1("7z\xbc\xaf\x27\x1c\0\x04")],
    ["an archive", latin1("\x28\xb5\x2f\xfd\x04\0")],
    ["a file of type application/x-sqlite3", latin1("SQLite format 3\0\x10\0\x01\x01")],
    ["an HTML page", Buffer.from("<!DOCTYPE html>\n<html><body>a,b</body></html>")],
    ["an HTML page", Buffer.from("  <!-- saved --> <!-- twice -->\n<table><tr><td>1</td></tr></table>")],
    ["XML", Buffer.from('<?xml version="1.0"?>\n<books><book title="Emma"/></books>')],
    ["JSON", Buffer.from('{"title": "Emma", "author": "Jane Austen"}\n{"title": "Ulysses"}\n')],
    ["JSON", Buffer.from('[\n  {"title": "Emma"}\n]')],
    ["JSON", Buffer.from('["a","b"]\n["c","d"]\n')],
    ["a text document", Buffer.from("{\\rtf1\\ansi Emma}")],
    ["binary data", noise(20_000)],
  ])("%s", async (what, bytes) => {
    const refused = expect.stringMatching(new RegExp(`^file: is ${what}\\b.*not CSV\\. .*CSV`));
    for (const size of [3, 65_536])
      await expect(read(bytes, { size })).rejects.toMatchObject({ code: "invalid_input", message: refused });
  });

  test("a workbook that Excel wrote is an Excel workbook and no other archive", async () => {
    const type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
    const workbook = Buffer.concat([
      zipEntry(
        "[Content_Types].xml",
        `<Types><Override PartName="/xl/workbook.xml" ContentType="${type}"/></Types>`,
      ),
      zipEntry("xl/workbook.xml", "<workbook/>".repeat(5000)),
    ]);
    await expect(read(workbook)).rejects.toMatchObject({
      message: "file: is an Excel workbook, not CSV. Open it, save it as CSV (UTF-8), and send that file.",
    });
  });

  test.each([
    ["BM,id\n1,2\n", ["BM", "id"]],
    ["MZ,id\n1,2\n", ["MZ", "id"]],
    ["GIF89a,id\n1,2\n", ["GIF89a", "id"]],
    ["[id],[name]\n1,2\n", ["[id]", "[name]"]],
    ["{id},{name}\n1,2\n", ["{id}", "{name}"]],
    ["<b>,<i>\n1,2\n", ["<b>", "<i>"]],
  ])("text that begins like another format is still CSV: %j", async (text, header) => {
    expect((await read(Buffer.from(text)))[0]).toEqual(header);
  });
});

describe("a gzip file", () => {
  const TEXT = "title,author\nEmma,Jane Austen\n";
  const ROWS = [
    ["title", "author"],
    ["Emma", "Jane Austen"],
  ];

  test.each([1, 2, 7, 65_536])(
    "a gzip file is read as the CSV in it, in chunks of %i bytes",
    async (size) => {
      expect(await read(gzipSync(TEXT), { size })).toEqual(ROWS);
      expect(await read(Buffer.from(TEXT), { size })).toEqual(ROWS);
    },
  );

  test("a gzip file may have several members", async () => {
    const both = Buffer.concat([gzipSync(TEXT), gzipSync("Ulysses,James Joyce\n")]);
    expect(await read(both)).toEqual([...ROWS, ["Ulysses", "James Joyce"]]);
  });

  test.each([
    ["cut off", gzipSync(TEXT.repeat(100)).subarray(0, -12)],
    ["with a wrong checksum", Buffer.concat([gzipSync(TEXT).subarray(0, -8), Buffer.alloc(8)])],
    ["damaged", Buffer.concat([gzipSync(TEXT).subarray(0, 12), Buffer.alloc(40, 255)])],
  ])("%s is refused", async (_, bytes) => {
    const message = "file: is damaged gzip data. Compress it again, or send it uncompressed.";
    await expect(read(bytes)).rejects.toMatchObject({ code: "invalid_input", message });
  });

  test("a gzip file in a gzip file is refused", async () => {
    const message = expect.stringContaining("a gzip file within a gzip file");
    await expect(read(gzipSync(gzipSync(TEXT)))).rejects.toMatchObject({ code: "invalid_input", message });
  });

  test("a gzip file with a workbook in it is refused by the name of the content", async () => {
    const message = expect.stringContaining("an Excel workbook");
    await expect(read(gzipSync(latin1("PK\x03\x04\x14\0\x06\0")))).rejects.toMatchObject({ message });
  });

  test("a gzip file is refused if its content exceeds UPLOAD_MAX_BYTES", async () => {
    const message =
      "The content of the compressed file is larger than 1000 bytes (UPLOAD_MAX_BYTES). Split it into smaller files.";
    const refused = { code: "too_large", message };
    await expect(read(gzipSync(TEXT.repeat(100)), { maxBytes: 1000 })).rejects.toMatchObject(refused);
  });

  test("a gzip file is refused if it grows more than 200 times, beyond 16 MiB", async () => {
    const bomb = gzipSync(`a,b\n${`1,${"b".repeat(998)}\n`.repeat(30_000)}`);
    const message = expect.stringContaining("more than 200 times as large");
    await expect(read(bomb)).rejects.toMatchObject({ code: "too_large", message });
    expect(await read(gzipSync(`a,b\n${`1,${"b".repeat(998)}\n`.repeat(10_000)}`))).toHaveLength(10_001);
  });

  test("whose source fails reports the failure of the source", async () => {
    async function* broken() {
      yield gzipSync(TEXT).subarray(0, 15);
      throw new Error("the connection ended");
    }
    const reading = (async () => {
      for await (const _ of unpacked(broken(), 1e9));
    })();
    await expect(reading).rejects.toThrow("the connection ended");
  });
});
