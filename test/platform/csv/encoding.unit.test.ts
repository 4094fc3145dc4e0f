import { describe, expect, test } from "vitest";
import { type CsvOptions, type Dialect, openCsv } from "../../../src/platform/csv/open-csv.ts";

const limits = {
  cellMaxBytes: 1_000_000,
  headerNameMaxBytes: 1000,
  uploadMaxColumns: 1000,
  uploadMaxRows: 1_000_000,
};

interface Read {
  readonly dialect: Dialect;
  readonly replaced: number;
  readonly rows: string[][];
}

async function read(bytes: Uint8Array, options: CsvOptions = {}, size = 65_536): Promise<Read> {
  async function* source() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const csv = await openCsv(source(), options, limits);
  const rows: string[][] = [[...(csv.header?.names ?? [])]];
  for await (const block of csv.records) rows.push(...block.map(({ fields }) => fields));
  return { dialect: csv.dialect, replaced: csv.warnings.replaced_characters, rows };
}

const TEXT = "title,author\nGröße,Bäcker\nπ “x” €,😀\n";
const CELLS = [
  ["title", "author"],
  ["Größe", "Bäcker"],
  ["π “x” €", "😀"],
];
const ascii = (rows: number) => "plain,text\n".repeat(rows);
const concat = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));

describe.each([1, 3, 65_536])("in chunks of %i bytes", (size) => {
  test.each<[what: string, encoding: string, bom: boolean, bytes: Buffer]>([
    ["UTF-8", "utf-8", false, Buffer.from(TEXT)],
    ["UTF-8 with a mark", "utf-8", true, Buffer.from(`\uFEFF${TEXT}`)],
    ["UTF-16, little endian", "utf-16le", true, Buffer.from(`\uFEFF${TEXT}`, "utf16le")],
    ["UTF-16, big endian", "utf-16be", true, Buffer.from(`\uFEFF${TEXT}`, "utf16le").swap16()],
  ])("%s", async (_, encoding, bom, bytes) => {
    const file = await read(bytes, {}, size);
    expect(file.rows).toEqual(CELLS);
    expect(file.dialect).toMatchObject({ encoding, bom });
    expect(file.replaced).toBe(0);
  });

  test("Windows-1252 is detected with the characters that Latin-1 lacks", async () => {
    const bytes = concat("title\nGr", [0xf6, 0xdf], "e\n", [0x93], "x", [0x94, 0x20, 0x80], "\n");
    const file = await read(bytes, {}, size);
    expect(file.rows).toEqual([["title"], ["Größe"], ["“x” €"]]);
    expect(file.dialect).toMatchObject({ encoding: "windows-1252", bom: false });
    expect(file.replaced).toBe(0);
  });

  test("invalid bytes in UTF-8 become U+FFFD, and their rows are counted", async () => {
    const bytes = concat("title,x\né,ü\nß", [0xff], ",ö", [0xe9], "\nä,", [0xc3], "\n");
    const file = await read(bytes, {}, size);
    expect(file.rows.slice(1)).toEqual([
      ["é", "ü"],
      ["ß\uFFFD", "ö\uFFFD"],
      ["ä", "\uFFFD"],
    ]);
    expect(file.dialect.encoding).toBe("utf-8");
    expect(file.replaced).toBe(2);
  });

  test.each(["utf-16le", "utf-16be"] as const)(
    "%s without a mark, where the upload says so",
    async (encoding) => {
      const little = Buffer.from(TEXT, "utf16le");
      const file = await read(encoding === "utf-16le" ? little : little.swap16(), { encoding }, size);
      expect(file.rows).toEqual(CELLS);
      expect(file.dialect).toMatchObject({ encoding, bom: false });
    },
  );

  test("a given encoding is used whatever the bytes are", async () => {
    const file = await read(Buffer.from("a\né\n"), { encoding: "windows-1252" }, size);
    expect(file.rows).toEqual([["a"], ["Ã©"]]);
    const other = await read(concat("a\n", [0xe9], "\n"), { encoding: "utf-8" }, size);
    expect(other.rows).toEqual([["a"], ["\uFFFD"]]);
    expect(other.replaced).toBe(1);
  });
});

describe("what is decided late", () => {
  test("an encoding is detected in a file that begins with ASCII", async () => {
    const start = `a,b\n${ascii(20_000)}`;
    const utf8 = await read(concat(start, "é,ü\n"));
    expect(utf8.dialect.encoding).toBe("utf-8");
    expect(utf8.rows.at(-1)).toEqual(["é", "ü"]);
    const windows = await read(concat(start, [0xe9, 0x2c, 0xfc], "\n"));
    expect(windows.dialect.encoding).toBe("windows-1252");
    expect(windows.rows.at(-1)).toEqual(["é", "ü"]);
    expect((await read(Buffer.from(start))).dialect.encoding).toBe("utf-8");
  });

  test("an encoding is decided by the first 64 KiB after ASCII", async () => {
    const bytes = concat(
      `a,b\n${ascii(10_000)}`,
      [0xe9],
      ",x\né,ü\n",
      ascii(10_000),
      [0xfc, 0xfc, 0xfc, 0xfc],
      ",y\n",
    );
    const file = await read(bytes);
    expect(file.dialect.encoding).toBe("utf-8");
    expect(file.rows.at(10_001)).toEqual(["\uFFFD", "x"]);
    expect(file.rows.at(10_002)).toEqual(["é", "ü"]);
    expect(file.rows.at(-1)?.[0]).toBe("\uFFFD".repeat(4));
    expect(file.replaced).toBe(2);
  });

  test("a byte order mark inside a file is text", async () => {
    const file = await read(Buffer.from(`a,b\n${ascii(20_000)}\uFEFFc,d\n`));
    expect(file.dialect.bom).toBe(false);
    expect(file.rows.at(-1)).toEqual(["\uFEFFc", "d"]);
  });
});

test.each([
  ["an Excel workbook", "PK\x03\x04\x14\0\x06\0"],
  ["an old Excel workbook", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"],
  ["a gzip archive", "\x1f\x8b\x08\0\0"],
])("%s is refused by name", async (what, start) => {
  await expect(read(Buffer.from(start, "latin1"))).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining(what),
  });
});
