import { describe, expect, test } from "vitest";
import { ENCODINGS, encodingOf } from "../../../src/platform/csv/encodings.ts";
import { type CsvOptions, type Dialect, openCsv } from "../../../src/platform/csv/open-csv.ts";
import { runDetection } from "../../../src/platform/csv/run-detection.ts";

const limits = {
  cellMaxBytes: 1_000_000,
  headerNameMaxBytes: 1000,
  uploadMaxColumns: 1000,
  uploadMaxRows: 1_000_000,
};

interface Read {
  readonly dialect: Dialect;
  readonly replaced: number;
  readonly guessed: number;
  readonly rows: string[][];
}

async function read(bytes: Uint8Array, options: CsvOptions = {}, size = 65_536): Promise<Read> {
  async function* source() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const csv = await openCsv(source(), options, limits);
  const rows: string[][] = [[...(csv.header?.names ?? [])]];
  for await (const block of csv.records) rows.push(...block.map(({ fields }) => fields));
  const { replaced_characters: replaced, guessed_characters: guessed } = csv.warnings;
  return { dialect: csv.dialect, replaced, guessed, rows };
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

describe("encodings of one language", () => {
  const SAMPLES: [language: string, encoding: string, text: string, base64: string][] = [
    [
      "Russian",
      "windows-1251",
      "Название,Автор\nВойна и мир,Лев Толстой\n",
      "zeDn4uDt6OUswOLy7vAKwu7p7eAg6CDs6PAsy+XiINLu6/Hy7ukK",
    ],
    [
      "Russian",
      "koi8-r",
      "Название,Автор\nВойна и мир,Лев Толстой\n",
      "7sHa18HOycUs4dfUz9IK98/KzsEgySDNydIs7MXXIPTPzNPUz8oK",
    ],
    [
      "Russian",
      "iso-8859-5",
      "Название,Автор\nВойна и мир,Лев Толстой\n",
      "vdDX0tDd2NUssNLi3uAKst7Z3dAg2CDc2OAsu9XSIMLe2+Hi3tkK",
    ],
    [
      "Russian",
      "ibm866",
      "Название,Автор\nВойна и мир,Лев Толстой\n",
      "jaCnoqCtqKUsgKLiruAKgq6praAgqCCsqOAsi6WiIJKuq+HirqkK",
    ],
    [
      "Polish",
      "iso-8859-2",
      "tytuł,autor\nChłopi,Władysław Reymont\nKsiążka źródło żółw,Łukasz\n",
      "dHl0dbMsYXV0b3IKQ2izb3BpLFezYWR5c7NhdyBSZXltb250CktzabG/a2EgvHLzZLNvIL/zs3cso3VrYXN6Cg==",
    ],
    [
      "Greek",
      "windows-1253",
      "τίτλος,συγγραφέας\nΟδύσσεια,Όμηρος\n",
      "9N/06+/yLPP14+Px4fbd4fIKz+T98/Pl6eEsvOzn8e/yCg==",
    ],
    [
      "Hebrew",
      "windows-1255",
      "כותרת,מחבר\nסיפור על אהבה וחושך,עמוס עוז\n",
      "6+X6+Pos7ufh+Arx6fTl+CDy7CDg5OHkIOXn5fnqLPLu5fEg8uXmCg==",
    ],
    [
      "Arabic",
      "windows-1256",
      "العنوان,المؤلف\nالف ليلة وليلة,مجهول\n",
      "x+Ha5ObH5CzH4ePE4d0Kx+HdIOHt4ckg5uHt4cks48zl5uEK",
    ],
    [
      "Turkish",
      "windows-1254",
      "başlık,yazar\nİnce Memed,Yaşar Kemal\n",
      "YmH+bP1rLHlhemFyCt1uY2UgTWVtZWQsWWH+YXIgS2VtYWwK",
    ],
    [
      "Japanese",
      "shift_jis",
      "題名,著者\n吾輩は猫である,夏目漱石\n",
      "keiWvCySmI7SCozhlHmCzZRMgsWCoILpLInEltqf+ZDOCg==",
    ],
    [
      "Japanese",
      "euc-jp",
      "題名,著者\n吾輩は猫である,夏目漱石\n",
      "wurMvizD+LzUCrjjx9qkz8etpMekoqTrLLLGzNze+8DQCg==",
    ],
    [
      "Japanese",
      "iso-2022-jp",
      "題名,著者\n吾輩は猫である,夏目漱石\n",
      "GyRCQmpMPhsoQiwbJEJDeDxUGyhCChskQjhjR1okT0ctJEckIiRrGyhCLBskQjJGTFxee0BQGyhCCg==",
    ],
    [
      "Chinese",
      "gb18030",
      "书名,作者\n红楼梦,曹雪芹\n三体,刘慈欣\n",
      "yunD+yzX99XfCrrswqXDziyy3NGpx9sKyP3M5SzB9bTI0MAK",
    ],
    [
      "Chinese",
      "big5",
      "書名,作者\n紅樓夢,曹雪芹\n圍城,錢鍾書\n",
      "rtGmVyynQKrMCqz1vNO52iyx5LO3quAKs/KrsCy/+sHprtEK",
    ],
    [
      "Korean",
      "euc-kr",
      "제목,저자\n토지,박경리\n채식주의자,한강\n",
      "waa48SzA+sDaCsXkwfYsudqw5riuCsOkvcTB1sDHwNosx9GwrQo=",
    ],
    [
      "Thai",
      "windows-874",
      "ชื่อเรื่อง,ผู้แต่ง\nสี่แผ่นดิน,คึกฤทธิ์ ปราโมช\n",
      "qtfozeDD1+jNpyy82enhteinCsrV6OG86Lm01LkspNahxLe41Owgu8PS4sGqCg==",
    ],
  ];
  const cellsOf = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.split(","));

  test.each(SAMPLES)("%s in %s is guessed from a few words", async (_, encoding, text, base64) => {
    const file = await read(Buffer.from(base64, "base64"), { delimiter: "," });
    expect(file.rows).toEqual(cellsOf(text));
    expect(file.dialect.encoding).toBe(encoding);
    expect(file.dialect.encoding_confidence).toBeGreaterThan(0);
    expect(file.dialect.encoding_confidence).toBeLessThan(1);
    // The header is not a row.
    expect(file.guessed).toBe(file.rows.length - 1);
  });

  test.each(SAMPLES)(
    "%s in %s is read if the upload names the encoding",
    async (_, encoding, text, base64) => {
      const file = await read(Buffer.from(base64, "base64"), { delimiter: ",", encoding });
      expect(file.rows).toEqual(cellsOf(text));
      expect(file.dialect).toMatchObject({ encoding, encoding_confidence: 1 });
      expect(file.guessed).toBe(0);
    },
  );

  test.each([
    ["one letter", "id,note\n1,caf\xe9\n2,plain\n", "café"],
    ["a sign between ASCII", "id,temperature\n1,20\xb0C\n2,21\xb0C\n", "20°C"],
    ["a pair of words", "a,b\n\xe4,Gr\xfc\xdfe\n\xd6l,M\xfcller\n", "Grüße"],
    ["currency", "id,price\n1,5 \x80\n2,6 \x80\n", "5 €"],
  ])("%s beyond ASCII is Windows-1252", async (_, text, cell) => {
    const file = await read(Buffer.from(text, "latin1"));
    expect(file.rows[1]?.[1]).toBe(cell);
    expect(file.dialect.encoding).toBe("windows-1252");
  });

  test("the sample decides, and not the rest of a large file", async () => {
    const start = Buffer.from(`тест,слово\n${"да,нет\n".repeat(8000)}`);
    const file = await read(Buffer.concat([start, Buffer.from([0xd2, 0xe5, 0xf1, 0xf2, 0x0a])]));
    expect(file.dialect).toMatchObject({ encoding: "utf-8", encoding_confidence: 1 });
    expect(file.replaced).toBe(1);
  });
});

describe("text of two bytes per character without a mark", () => {
  const ASCII = "title,author\nEmma,Jane Austen\n";
  const CHINESE = "书名,作者\n红楼梦,曹雪芹\n三体,刘慈欣\n围城,钱钟书\n";
  const encode = (text: string, encoding: string) => {
    const little = Buffer.from(text, "utf16le");
    return encoding === "utf-16le" ? little : little.swap16();
  };

  test.each([
    ["utf-16le", ASCII],
    ["utf-16be", ASCII],
    ["utf-16le", CHINESE],
    ["utf-16be", CHINESE],
    ["utf-16le", `n,text\n${TEXT.repeat(5)}`],
  ])("%s is recognized by its zero bytes", async (encoding, text) => {
    const file = await read(encode(text, encoding), { delimiter: "," });
    expect(file.dialect).toMatchObject({ encoding, encoding_confidence: 1, bom: false });
    expect(file.rows.flat().join("")).not.toContain("\0");
    expect(file.rows.map((row) => row.join(",")).join("\n")).toBe(text.trimEnd());
  });

  test.each([
    ["little endian", (text: string) => Buffer.from([...text].flatMap((it) => [it.charCodeAt(0), 0, 0, 0]))],
    ["big endian", (text: string) => Buffer.from([...text].flatMap((it) => [0, 0, 0, it.charCodeAt(0)]))],
  ])("UTF-32, %s, is refused with and without a mark", async (_, encode32) => {
    const refused = { code: "invalid_input", message: expect.stringContaining("is UTF-32") };
    await expect(read(encode32(ASCII))).rejects.toMatchObject(refused);
    const mark = encode32("a")[0] === 0 ? [0, 0, 0xfe, 0xff] : [0xff, 0xfe, 0, 0];
    await expect(read(Buffer.concat([Buffer.from(mark), encode32(ASCII)]))).rejects.toMatchObject(refused);
  });

  test.each([
    ["utf-8", encode(ASCII, "utf-16le"), "utf-16le"],
    ["windows-1252", encode(ASCII, "utf-16be"), "utf-16be"],
    ["utf-16le", encode(ASCII, "utf-16be"), "utf-16be"],
    ["utf-16le", Buffer.from(ASCII), "utf-8"],
    ["utf-8", Buffer.from(`\uFEFF${ASCII}`, "utf16le"), "utf-16le"],
    ["windows-1252", Buffer.from(`\uFEFF${ASCII}`), "utf-8"],
  ])("encoding=%s is refused for a file that contradicts it", async (encoding, bytes, found) => {
    await expect(read(bytes, { encoding })).rejects.toMatchObject({
      code: "invalid_input",
      message: `encoding: is ${encoding}, but the file is ${found}. Leave it out, or send ${found}.`,
    });
  });

  test("NULs in cells and at the end are no sign of UTF-16", async () => {
    const file = await read(Buffer.from(`a,b\n1,\0\n2,x\0y\n${"\0".repeat(5000)}`));
    expect(file.dialect.encoding).toBe("utf-8");
    expect(file.rows.slice(0, 3)).toEqual([
      ["a", "b"],
      ["1", "\0"],
      ["2", "x\0y"],
    ]);
  });
});

test("every encoding of the list can be decoded under its own name, and labels stand for them", () => {
  for (const encoding of ENCODINGS) expect(encodingOf(encoding)).toBe(encoding);
  expect(encodingOf("Latin1")).toBe("windows-1252");
  expect(encodingOf("cp1251")).toBe("windows-1251");
  expect(encodingOf("gb2312")).toBe("gbk");
  for (const unknown of ["utf-32", "ebcdic", "", "replacement"]) expect(encodingOf(unknown)).toBeNull();
});

test("a machine that is too busy to guess an encoding in time asks for another attempt instead of storing a wrong guess", async () => {
  const noTime = { heapMb: 64, bytesMb: 160, seconds: 0.001, silentSeconds: 60 };
  await expect(runDetection(Buffer.from([0xe9]), noTime)).rejects.toMatchObject({ code: "unavailable" });
});
