/** The documentation against the repository and the code. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { STATUS } from "../src/platform/http/errors.ts";
import { compare, regions } from "./support/generated-docs.ts";
import { documentedRoutes } from "./support/offline-app.ts";
import { all, brokenLinks, missingFiles, pages, root, unknownRoutes } from "./support/pages.ts";

const routes = await documentedRoutes();
const read = (file: string) => readFileSync(join(root, file), "utf8");

test.each(regions)("$file has the current $marker; if not, run `npm run docs`", (region) => {
  const { current, expected } = compare(region);
  expect(current).toBe(expected);
});

test("README.md fits on a few screens", () => {
  expect(Buffer.byteLength(read("README.md"))).toBeLessThanOrEqual(9216);
});

describe.each(pages)("$file", (page) => {
  test(`${page.file} links to pages and headings that exist`, () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  test(`${page.file} names files that exist`, () => {
    expect(missingFiles(page)).toEqual([]);
  });

  test(`${page.file} names commands of package.json`, () => {
    const builtIn = ["ci", "exec", "install", "i", "pack", "run"];
    const scripts = Object.keys(packageJson.scripts);
    const named = [
      ...all(page.text, /\bnpm run ([\w:-]+)/g),
      ...all(page.text, /(?:^|`|&& )npm ([a-z][\w-]*)/gm),
    ];
    expect(named.filter((name) => !scripts.includes(name) && !builtIn.includes(name))).toEqual([]);
  });

  test(`${page.file} names routes of the API`, () => {
    expect(unknownRoutes(page, routes)).toEqual([]);
  });
});

describe("docs/guide/errors.md", () => {
  const text = read("docs/guide/errors.md");
  const sources = globSync("src/**/*.ts", { cwd: root }).map(read);

  test("docs/guide/errors.md has every code of a problem with its HTTP status", () => {
    const rows = [...text.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)];
    const documented = Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]));
    const others = sources.flatMap((source) => [
      ...source.matchAll(/sendProblem\(\s*reply,\s*(\d{3}),\s*"([a-z_]+)"/g),
    ]);
    expect(documented).toEqual({
      ...STATUS,
      ...Object.fromEntries(others.map(([, status, code]) => [code, Number(status)])),
    });
  });

  test("docs/guide/errors.md has every code of a row or a task", () => {
    const pattern =
      /(?:\b(?:Permanent|Retryable|PictureRefused|failed|refused|retry)\(\s*|\b(?:code|errorCode): )"([a-z_]+)"/g;
    const codes = sources.flatMap((source) => all(source, pattern));
    expect(codes).toContain("damaged");
    expect(codes).toContain("required");
    expect([...new Set(codes)].filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });
});
