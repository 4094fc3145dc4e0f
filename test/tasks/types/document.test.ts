import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createDeflate, deflateSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { documentType } from "../../../src/tasks/types/document/document.ts";
import { encryptedPdf, pdfOf, pdfWithContent, pdfWithPages, streamOf } from "../../support/pdf.ts";
import { cpuMsOf } from "../../support/stopwatch.ts";
import { fileOf, refusalOf, tryType } from "../../support/task-input.ts";

const read = (
  bytes: Buffer | string,
  name: string,
  params: { extract_text?: boolean; max_pages?: number } = {},
) => tryType(documentType, fileOf(Buffer.from(bytes), name), { extract_text: true, ...params });

const refusal = (bytes: Buffer | string, name: string, params = {}) => refusalOf(read(bytes, name, params));

describe("a PDF", () => {
  test("a PDF gives its pages, metadata and text whatever its name", async () => {
    const { result, made, steps } = await read(
      pdfWithPages(["Hello (world)\nOnce more", "Page two"]),
      "report.txt",
    );
    expect(result).toMatchObject({
      message: '"report.txt" is a PDF with 2 pages: 6 words, 3 lines',
      format: "pdf",
      pages: 2,
      pages_read: 2,
      pages_with_text: 2,
      words: 6,
      lines: 3,
      encrypted: false,
      metadata: {
        title: "A report",
        author: "Ann",
        subject: null,
        created_at: "2026-01-31T22:59:59.000Z",
        pdf_version: "1.7",
      },
      text_file: { id: "file-1", name: "report.txt", media_type: "text/plain; charset=utf-8" },
    });
    expect(made.map(({ bytes }) => bytes.toString())).toEqual(["Hello (world)\nOnce more\n\fPage two\n"]);
    expect(steps.at(-1)?.percent).toBe(100);
  });

  test("a PDF is read up to `max_pages`", async () => {
    const pdf = pdfWithPages(Array.from({ length: 30 }, (_, page) => `This is page ${page + 1}`));
    const { result, made } = await read(pdf, "long.pdf", { max_pages: 2 });
    expect(result).toMatchObject({ pages: 30, pages_read: 2, words: 8 });
    expect(made[0]?.bytes.toString()).toBe("This is page 1\n\fThis is page 2\n");
  });

  test("a PDF without text, or whose text is not requested, creates no file", async () => {
    const empty = await read(pdfWithPages([""]), "scan.pdf");
    expect(empty.result).toMatchObject({ words: 0, pages_with_text: 0, text_file: null });
    expect(empty.result.message).toContain("no text");
    const unwanted = await read(pdfWithPages(["Hello"]), "a.pdf", { extract_text: false });
    expect(unwanted.result).toMatchObject({ words: 1, text_file: null });
    expect([...empty.made, ...unwanted.made]).toEqual([]);
  });

  test("an encrypted PDF opens only if its password is empty", async () => {
    const { result } = await read(encryptedPdf("For everybody", ""), "open.pdf");
    expect(result).toMatchObject({ encrypted: true, words: 2 });
    const { code, message } = await refusal(encryptedPdf("For few", "secret"), "closed.pdf");
    expect(code).toBe("encrypted");
    expect(message).toContain("password");
  });

  const whole = pdfWithPages(["Hello", "Page two"]);

  test.each([
    [
      "an HTTP header",
      Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\n\r\n"), whole]),
    ],
    ["a PJL line", Buffer.concat([Buffer.from("\x1b%-12345X@PJL JOB\r\n"), whole])],
    ["plain text without an end of line", Buffer.concat([Buffer.from("printed by "), whole])],
    ["a footer of 5 KB behind it", Buffer.concat([whole, Buffer.from("<p>footer</p>\n".repeat(370))])],
  ])("a PDF with %s is read, as browsers do", async (_, bytes) => {
    const { result } = await read(bytes, "report.txt");
    expect(result).toMatchObject({ format: "pdf", pages: 2, words: 3 });
  });

  test("text about PDFs is text", async () => {
    const { result } = await read("A file that begins with %PDF-1.7 is a PDF.\n", "about.txt");
    expect(result).toMatchObject({ format: "text" });
  });

  test("a PDF that is shorter than it says is damaged, although it has an end mark", async () => {
    const text = whole.toString("latin1").replace("/Type /Catalog", "/Type /Catalog /Linearized 1 /L 900000");
    expect(await refusal(Buffer.from(text, "latin1"), "web.pdf")).toMatchObject({ code: "damaged" });
  });

  test("one word is not written in the plural, and NUL never gets into the text", async () => {
    const map =
      "1 begincodespacerange <00> <FF> endcodespacerange 2 beginbfchar <41> <0000> <42> <0062> endbfchar";
    const pdf = pdfOf([
      "<< /Type /Catalog /Pages 2 0 R >>",
      "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 6 0 R >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
      streamOf("BT /F1 12 Tf 72 720 Td (BAB) Tj ET"),
      streamOf(`/CIDInit /ProcSet findresource begin begincmap ${map} endcmap end`),
    ]);
    const { result, made } = await read(pdf, "nul.pdf");
    expect(made.map(({ bytes }) => bytes.toString())).toEqual(["bb\n"]);
    expect(result.message).toBe('"nul.pdf" is a PDF with 1 page: 1 word, 1 line');
  });
  test.each([
    ["cut off in the middle", whole.subarray(0, whole.length / 2)],
    ["cut off near its end", whole.subarray(0, whole.length - 30)],
    ["all header", Buffer.from("%PDF-1.7\n")],
    ["noise behind a header", Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(50_000)])],
  ])("a PDF that is %s is reported as damaged", async (_, bytes) => {
    expect(await refusal(bytes, "broken.pdf")).toMatchObject({ code: "damaged" });
  });
});

describe("a hostile PDF", () => {
  let zeros: Buffer;
  beforeAll(async () => {
    zeros = await deflated(1024);
  });
  const catalog = "<< /Type /Catalog /Pages 2 0 R >>";

  test("a PDF that unpacks to a gigabyte stays within its memory, and the process stays responsive", async () => {
    expect(zeros.length).toBeLessThan(1.1e6);
    const busyBefore = performance.eventLoopUtilization();
    const before = process.memoryUsage.rss();
    let most = before;
    const measure = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 10);
    const single = pdfWithContent(streamOf(zeros, "/Filter /FlateDecode"));
    const double = pdfWithContent(streamOf(deflateSync(zeros), "/Filter [/FlateDecode /FlateDecode]"));
    const codes = [(await refusal(single, "bomb.pdf")).code, (await refusal(double, "bomb.pdf")).code];
    clearInterval(measure);
    const { utilization } = performance.eventLoopUtilization(busyBefore);
    expect(codes).toEqual(["too_complex", "too_complex"]);
    expect(most - before).toBeLessThan(700e6);
    // A process that parses here instead of in a thread has no time for anything else.
    expect(utilization).toBeLessThan(0.5);
  });

  test.each([
    ["in a circle", "[2 0 R 2 0 R]", 3],
    ["in a circle, saying they are a thousand", "[2 0 R 2 0 R]", 1000],
    ["that are not there", "[]", 5],
  ])("a PDF whose pages are %s is reported as damaged", async (_, kids, count) => {
    const bytes = pdfOf([catalog, `<< /Type /Pages /Kids ${kids} /Count ${count} >>`]);
    expect(await refusal(bytes, "circle.pdf")).toMatchObject({ code: "damaged" });
  });

  test("a deeply nested PDF is damaged or harmless", async () => {
    const dictionaries = pdfOf([`<< /Type /Catalog /Pages 2 0 R /X ${"<</A ".repeat(500_000)} >>`, "<< >>"]);
    expect(await refusal(dictionaries, "deep.pdf")).toMatchObject({ code: "damaged" });
    const arrays = pdfWithContent(streamOf("[".repeat(5_000_000)));
    expect((await read(arrays, "deep.pdf")).result).toMatchObject({ pages: 1, words: 0 });
  });

  test("a PDF with a million pages needs `max_pages`", async () => {
    const pages = `<< /Type /Pages /Kids [${"3 0 R ".repeat(1_000_000)}] /Count 1000000 >>`;
    const bytes = pdfOf([catalog, pages, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1 1] >>"]);
    const { code, message } = await refusal(bytes, "million.pdf");
    expect(code).toBe("too_complex");
    expect(message).toContain("1000000 pages");
    expect((await read(bytes, "million.pdf", { max_pages: 3 })).result).toMatchObject({ pages_read: 3 });
  });
});

describe("text", () => {
  test("text in any language is counted", async () => {
    const text = "Hello wörld, don't panic.\r\nЦена 3,14 рубля\n東京はとても大きい\rภาษาไทยดี 👩‍👩‍👧";
    const { result, made } = await read(text, "mixed.txt");
    const words = [...new Intl.Segmenter("und", { granularity: "word" }).segment(text)].filter(
      (it) => it.isWordLike,
    );
    expect(result).toMatchObject({
      format: "text",
      words: words.length,
      lines: 4,
      characters: [...text].length,
      bytes: Buffer.byteLength(text),
      encoding: "utf-8",
      byte_order_mark: false,
    });
    expect(made[0]?.bytes.toString()).toBe(text);
  });

  test("text counts do not depend on how the text is cut", async () => {
    const { result } = await read("Ein Wort und noch 2,5 Wörter.\r\n".repeat(40_000), "long.txt");
    expect(result).toMatchObject({ words: 240_000, lines: 40_000, characters: 31 * 40_000 });
  });

  test.each([
    ["windows-1252", Buffer.from("caf\xe9 na\xefve \x80", "latin1"), "café naïve €", false],
    ["utf-16le", Buffer.from("\ufeffzwölf Boxkämpfer", "utf16le"), "zwölf Boxkämpfer", true],
    ["utf-16be", Buffer.from("\ufeffzwölf", "utf16le").swap16(), "zwölf", true],
    ["utf-8", Buffer.from("\ufeffzwölf"), "zwölf", true],
  ])("text in %s is stored as UTF-8", async (encoding, bytes, text, mark) => {
    const { result, made } = await read(bytes, "text.txt");
    expect(result).toMatchObject({ encoding, byte_order_mark: mark, characters: [...text].length });
    expect(made[0]?.bytes.toString()).toBe(text);
  });

  test("a CSV document returns its dialect", async () => {
    const { result } = await read('name;price;note\nA;1;"x\ny"\nB;2\n', "prices.csv");
    expect(result).toMatchObject({
      format: "csv",
      lines: 4,
      csv: {
        rows: 2,
        columns: 3,
        header: ["name", "price", "note"],
        delimiter: ";",
        newline: "lf",
        rows_with_missing_fields: 1,
      },
    });
    expect(result.message).toContain("2 rows and 3 columns");
  });

  test("a CSV document with an unclosed quote counts it, and its other rows are read", async () => {
    const { result } = await read('a,b\n1,"2\n3,4\n', "broken.csv");
    expect(result).toMatchObject({ csv: { rows: 2, malformed_rows: 1, columns: 2 } });
  });

  test("Markdown is parsed except inside code", async () => {
    const text = `---
title: not a heading
---
# One
Two
===
Text with [a link](https://a.example "title"), ![a picture](b.png), <https://c.example> and \`[no](link)\`.

~~~js
# no heading
[no](link)
~~~
### Three
[ref][1] | - no heading
---
`;
    const { result } = await read(text, "readme.md");
    expect(result).toMatchObject({
      format: "markdown",
      markdown: { headings: 4, links: 3, images: 1, code_blocks: 1 },
    });
  });

  test("a line of millions of brackets is read quickly", async () => {
    const text = `${"[a](".repeat(500_000)}\n${"[".repeat(500_000)}${"`".repeat(500_000)}`;
    expect(await cpuMsOf(() => read(text, "brackets.md"))).toBeLessThan(10_000);
  });
});

describe("anything else", () => {
  test.each([
    ["a ZIP archive", Buffer.concat([Buffer.from("PK\x03\x04\x14\0\0\0\0\0"), Buffer.alloc(100)])],
    ["PNG", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")],
    ["binary data", Buffer.from("a\0b\x01c".repeat(100))],
    ["an RTF document", Buffer.from("{\\rtf1\\ansi Hello}")],
  ])("other content (%s) is refused by its name", async (what, bytes) => {
    const { code, message } = await refusal(bytes, "report.pdf");
    expect(code).toBe("unsupported_format");
    expect(message).toContain(what);
  });

  test("a document of zero bytes is refused as empty", async () => {
    expect(await refusal("", "empty.pdf")).toMatchObject({ code: "empty_file" });
  });
});

test("a read error is not a permanent failure of a document task", async () => {
  const file = {
    ...fileOf(pdfWithPages(["Hello"]), "a.pdf"),
    read: () => Promise.reject(new Error("no database")),
  };
  await expect(tryType(documentType, file, { extract_text: true })).rejects.toThrow("no database");
});

test("a document task fails with the reason why its text cannot be stored", async () => {
  const store = async () => {
    throw new Error("quota");
  };
  const file = fileOf(Buffer.from("word ".repeat(500_000)), "a.txt");
  await expect(tryType(documentType, file, { extract_text: true }, { store })).rejects.toThrow("quota");
});

test("a cancelled document task stops at once", async () => {
  const controller = new AbortController();
  const file = fileOf(Buffer.from("word ".repeat(20_000_000)), "a.txt");
  const running = tryType(documentType, file, { extract_text: false }, { signal: controller.signal });
  controller.abort(new Error("cancelled"));
  await expect(running).rejects.toThrow("cancelled");
});

/** So many megabytes of zeros. */
async function deflated(megabytes: number): Promise<Buffer> {
  const stream = createDeflate({ level: 9 });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  for (let written = 0; written < megabytes; written++) {
    if (!stream.write(Buffer.alloc(2 ** 20))) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "end");
  return Buffer.concat(chunks);
}
