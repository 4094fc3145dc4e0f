/** The preview of an import reads files in the browser with the reader of the server: its bundle, run here, must not differ. */
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PreviewOptions } from "../../src/console/pages/imports/preview/read-preview.ts";
import * as onServer from "../../src/console/pages/imports/preview/read-preview.ts";
import { contentOf, csvFixtures } from "../support/csv-fixtures.ts";
import { randomOf } from "../support/random.ts";
import { rowsXml, type WorkbookSpec, workbook } from "../support/workbooks.ts";

type Reader = typeof onServer;

const entry = join(import.meta.dirname, "../../src/console/pages/imports/preview/read-preview.ts");
const folder = mkdtempDisposableSync(join(tmpdir(), "rowmill-preview-"));
let inBrowser: Reader;

beforeAll(async () => {
  const output = { entryFileNames: "reader.mjs", chunkFileNames: "[name].mjs" };
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      outDir: folder.path,
      minify: false,
      target: "es2023",
      modulePreload: false,
      rollupOptions: { input: entry, preserveEntrySignatures: "strict", output },
    },
  });
  inBrowser = (await import(pathToFileURL(join(folder.path, "reader.mjs")).href)) as Reader;
});
afterAll(() => folder.remove());

async function read({ readPreview }: Reader, bytes: Uint8Array<ArrayBuffer>, options: PreviewOptions) {
  try {
    return await readPreview(new Blob([bytes]), options);
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

async function expectSame(bytes: Uint8Array<ArrayBuffer>, options: PreviewOptions = {}) {
  const expected = await read(onServer, bytes, options);
  expect(await read(inBrowser, bytes, options)).toEqual(expected);
  return expected;
}

/** `Название;Автор`, `Война и мир;Лев Толстой`. */
const CYRILLIC = Buffer.from("zeDn4uDt6OU7wOLy7vAKwu7p7eAg6CDs6PA7y+XiINLu6/Hy7ukK", "base64");

describe("the bundle for browsers", () => {
  test("the bundle for browsers reads a file in an old encoding", async () => {
    expect(await expectSame(CYRILLIC)).toMatchObject({
      names: ["Название", "Автор"],
      dialect: { encoding: "windows-1251", delimiter: ";" },
    });
  });

  test.each<[what: string, content: string, options: PreviewOptions]>([
    ["lines above the table", "Report\n\nname,age\nAda,36\nBob,41\n", {}],
    ["a given number of lines", "a;b\n1;2\n3;4\n", { skipLines: 1, header: false }],
    ["empty and repeated names", "name,,name\nAda,x,y\n", {}],
    ["a row that is not valid CSV", 'a,b\n"x"y,2\n3,4\n', {}],
    ["HTML", "<html><body></body></html>", {}],
    ["nothing", "", {}],
    ["a contradiction", "a,b\n1,2\n", { encoding: "utf-16le" }],
    ["wide text", "\uFEFFa,b\né,\uD83D\uDE00\n", {}],
  ])("agrees about %s", async (_, content, options) => {
    await expectSame(Buffer.from(content), options);
  });

  test("the bundle for browsers agrees with the server about UTF-16, gzip, and damaged gzip", async () => {
    await expectSame(Buffer.from("\uFEFFname,age\nAda,36\n", "utf16le"));
    const packed = Buffer.from(gzipSync("name,age\nAda,36\n"));
    expect(await expectSame(packed)).toMatchObject({ names: ["name", "age"] });
    expect(await expectSame(packed.subarray(0, 20))).toHaveProperty("refused");
  });

  test("stops reading a large file after its first rows", async () => {
    const line = Buffer.from(`${"1,2,3".padEnd(1023, " ")}\n`);
    const part = new Blob([Buffer.concat(Array<Buffer>(1024).fill(line))]);
    let bytes = 0;
    const whole = new Blob([Buffer.from("a,b,c\n"), ...Array<Blob>(300).fill(part)]);
    const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        bytes += piece.length;
        controller.enqueue(piece);
      },
    });
    const file = Object.assign(new Blob([]), { stream: () => whole.stream().pipeThrough(counting) });
    const preview = await inBrowser.readPreview(file, {});
    expect(preview).toMatchObject({ names: ["a", "b", "c"], isWhole: false });
    expect(preview.rows).toHaveLength(200);
    expect(bytes).toBeLessThan(4 * 2 ** 20);
  });

  describe("agrees about workbooks", () => {
    const BOOKS: WorkbookSpec = {
      sheets: [
        { name: "Notes", rows: [["Nothing here"]], state: "hidden" },
        {
          name: "Bücher",
          rows: [
            ["Stock, May 2024"],
            ["title", "pages", "bought"],
            ["Emma é", 1234.5, { value: 45000, style: 1 }],
            ["Ulysses", true, { xml: '<c r="C4" t="s"><v>1</v></c>' }],
            ["Dune", null, { xml: '<c r="C5"><f>1+1</f></c>' }],
          ],
        },
      ],
      formats: ["dd.mm.yyyy"],
      shared: "<si><t>a</t></si><si><r><t>so</t></r><r><t>on</t></r></si>",
    };

    test("the bundle for browsers agrees with the server about workbooks and their sheets", async () => {
      const file = Buffer.from(workbook(BOOKS));
      expect(await expectSame(file)).toMatchObject({
        names: ["title", "pages", "bought"],
        sheets: ["Notes", "Bücher"],
        dialect: { format: "xlsx", sheet: "Bücher", preamble_rows: 1 },
        skipped: [{ row: 1, cells: ["Stock, May 2024", "", ""] }],
        rows: [
          { row: 3, cells: ["Emma é", "1234.5", "15.03.2023"] },
          { row: 4, cells: ["Ulysses", "TRUE", "soon"] },
          { row: 5, cells: ["Dune", "", ""], problem: expect.stringContaining("Cell C5 has a formula") },
        ],
      });
      expect(await expectSame(file, { sheet: "1", header: false })).toMatchObject({
        rows: [{ cells: ["Nothing here"] }],
      });
      expect(await expectSame(file, { sheet: "Books" })).toHaveProperty("refused");
      expect(await expectSame(Buffer.from(gzipSync(file)))).toMatchObject({ dialect: { sheet: "Bücher" } });
    });

    test("the bundle for browsers agrees with the server about workbooks that are damaged, hostile or in another format", async () => {
      const file = Buffer.from(workbook(BOOKS));
      const bomb = workbook({ sheets: [{ name: "A", xml: `<row>${"<c/>".repeat(4_000_000)}</row>` }] });
      const others = [file.subarray(0, 700), Buffer.from(bomb), Buffer.from("d0cf11e0a1b11ae10000", "hex")];
      for (const one of [
        ...others,
        Buffer.from(workbook({ sheets: [{ name: "A", part: "<!DOCTYPE a><worksheet/>" }] })),
      ])
        expect(await expectSame(Buffer.from(one))).toHaveProperty("refused");
    });

    test("the bundle for browsers agrees with the server about workbooks, and reads only the beginning of a large one", async () => {
      const random = randomOf(1);
      const text = () => Array.from({ length: 40 }, () => random.below(36).toString(36)).join("");
      const texts = Array.from({ length: 200_000 }, text);
      const rows = texts.map((_, at) => `<row r="${at + 2}"><c t="s"><v>${at}</v></c><c><v>1</v></c></row>`);
      const shared = texts.map((one) => `<si><t>${one}</t></si>`).join("");
      const file = workbook({
        sheets: [{ name: "A", xml: rowsXml([["name", "age"]]) + rows.join("") }],
        shared,
      });
      expect(file.length).toBeGreaterThan(5 * 2 ** 20);
      let bytes = 0;
      const slice = (start: number, end: number) => {
        bytes += end - start;
        return new Blob([Buffer.from(file).subarray(start, end)]);
      };
      const blob = Object.assign(new Blob([Buffer.from(file)]), { slice });
      expect(await inBrowser.readPreview(blob, {})).toMatchObject({ isWhole: false, names: ["name", "age"] });
      expect(bytes).toBeLessThan(0.7 * file.length);
    });
  });

  test("the bundle for browsers agrees with the server about public files", { timeout: 60_000 }, async () => {
    // All that are smaller than 100 kB agree too, and take half a minute.
    const some = csvFixtures.filter((_, at) => at % 12 === 0).map(contentOf);
    for (const bytes of some.filter(({ length }) => length < 100_000)) await expectSame(bytes);
  });
});
