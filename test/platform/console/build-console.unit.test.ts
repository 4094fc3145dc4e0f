import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Build, buildIfStale, type Place } from "../../../src/platform/console/build-console.ts";
import { consoleBuilder } from "../../../src/platform/console/console-builder.ts";
import { isConsoleSource } from "../../../src/platform/console/source-key.ts";

const HOUR_MS = 3_600_000;
const SCRIPT = "console.log('Rowmill');\n".repeat(200);

let place: Place;
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "rowmill-build-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  place = { root, folder: join(root, "dist/console") };
  mkdirSync(join(root, "src/console/pages"), { recursive: true });
  edit("first");
});

function edit(text: string): void {
  writeFileSync(join(place.root, "src/console/pages/page.tsx"), text);
}

/** Builds a page and one script, whose name depends on `name`. */
const buildOf =
  (name: string): Build =>
  async (folder) => {
    mkdirSync(join(folder, "assets"));
    writeFileSync(join(folder, "index.html"), `<script src="/assets/${name}.js"></script>\n`);
    writeFileSync(join(folder, `assets/${name}.js`), SCRIPT);
    writeFileSync(join(folder, "assets/tiny.css"), "p{}");
    writeFileSync(join(folder, "icon.svg"), "<svg/>");
  };

const served = () => /assets\/(\w+)\.js/.exec(readFileSync(join(place.folder, "index.html"), "utf8"))?.[1];
const assets = () => readdirSync(join(place.folder, "assets")).sort();
const drafts = () => readdirSync(join(place.root, "dist")).filter((name) => name !== "console");

describe("the build of the console", () => {
  test("builds once per state of the sources", async () => {
    expect(await buildIfStale(place, buildOf("one"))).toBe(true);
    expect(await buildIfStale(place, () => Promise.reject(new Error("must not build")))).toBe(false);
    expect(readFileSync(join(place.folder, "icon.svg"), "utf8")).toBe("<svg/>");
    for (const [file, change] of [
      ["src/console/pages/page.tsx", "second"],
      ["src/console/new.css", "p{}"],
      ["package-lock.json", "{}"],
    ] as const) {
      writeFileSync(join(place.root, file), change);
      expect(await buildIfStale(place, buildOf("two"))).toBe(true);
    }
    expect([served(), drafts()]).toEqual(["two", []]);
  });

  test("writes compressed files beside the files that are worth it", async () => {
    await buildIfStale(place, buildOf("one"));
    expect(assets()).toEqual(["one.js", "one.js.br", "one.js.gz", "tiny.css"]);
    const read = (name: string) => readFileSync(join(place.folder, "assets", name));
    expect(gunzipSync(read("one.js.gz")).toString()).toBe(SCRIPT);
    expect(brotliDecompressSync(read("one.js.br")).toString()).toBe(SCRIPT);
  });

  test("the build of the console keeps the files of the build before for pages that are open, for an hour", async () => {
    await buildIfStale(place, buildOf("one"));
    edit("second");
    await buildIfStale(place, buildOf("two"));
    expect(assets()).toContain("one.js");
    const past = new Date(Date.now() - HOUR_MS - 1000);
    for (const name of assets()) utimesSync(join(place.folder, "assets", name), past, past);
    edit("third");
    await buildIfStale(place, buildOf("two"));
    expect(assets()).toEqual(["tiny.css", "two.js", "two.js.br", "two.js.gz"]);
  });

  test("a failed build changes nothing, is reported in one line, and is tried again", async () => {
    const lines: string[] = [];
    const result = { build: buildOf("one") };
    const run = consoleBuilder(
      place,
      (folder) => result.build(folder),
      (line) => lines.push(line),
    );
    await run();
    edit("second");
    result.build = async (folder) => {
      await buildOf("half")(folder);
      throw new Error(
        "✗ Build failed in 12ms\nerror during build:\nBuild failed with 1 error:\n\nExpected `}`\n ╭─[ pages/page.tsx:1:24 ]",
      );
    };
    await run();
    expect([served(), assets().includes("half.js"), drafts()]).toEqual(["one", false, []]);
    result.build = buildOf("two");
    await run();
    expect(served()).toBe("two");
    expect(lines).toEqual([
      "The console is built.",
      "The console could not be built, and its last build stays (npm run build shows all): pages/page.tsx:1:24: Expected `}`",
      "The console is built.",
    ]);
  });

  test("two programs that build at the same time both succeed", async () => {
    await buildIfStale(place, buildOf("zero"));
    edit("second");
    const both = Promise.withResolvers<void>();
    let started = 0;
    const together =
      (name: string): Build =>
      async (folder) => {
        if (++started === 2) both.resolve();
        await both.promise;
        await buildOf(name)(folder);
      };
    expect(await Promise.all(["a", "b"].map((name) => buildIfStale(place, together(name))))).toEqual([
      true,
      true,
    ]);
    expect(["a", "b"]).toContain(served());
    expect(assets()).toEqual(expect.arrayContaining(["a.js", "b.js", "zero.js"]));
    expect(drafts()).toEqual([]);
    expect(await buildIfStale(place, buildOf("c"))).toBe(false);
  });

  test("removes the draft of a program that was killed", async () => {
    const draft = join(place.root, "dist/draft-killed");
    mkdirSync(draft, { recursive: true });
    utimesSync(draft, new Date(0), new Date(0));
    await buildIfStale(place, buildOf("one"));
    expect(drafts()).toEqual([]);
  });
});

test("only files that the console imports make it stale", () => {
  expect(["console/main.tsx", "client/api.ts", "platform/csv/cells.ts"].every(isConsoleSource)).toBe(true);
  expect(["consoles/a.ts", "app.ts", "platform/http/console.ts"].some(isConsoleSource)).toBe(false);
});
