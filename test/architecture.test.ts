/** Who may import whom. Types count as imports too: a layer that names another depends on it. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const src = join(root, "src");
const files = globSync("**/*.ts", { cwd: src }).sort();
const source = new Map(files.map((file) => [file, readFileSync(join(src, file), "utf8")]));

const imports = new Map(
  files.map((file) => {
    const text = source.get(file) ?? "";
    const names = [
      ...text.matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"/gms),
      ...text.matchAll(/\bimport\("([^"]+)"\)/g),
    ];
    return [file, names.map((match) => match[1] ?? "")];
  }),
);

function ours(file: string): string[] {
  return (imports.get(file) ?? [])
    .filter((name) => name.startsWith("."))
    .map((name) => relative(src, resolve(src, dirname(file), name)))
    .filter((name) => !name.startsWith(".."));
}

/** From the top down: a file may import from its own layer and from those below. */
const LAYERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["programs", /^(api|worker|dev|cli)\.ts$|^(cli|demo)\//],
  ["surface", /^(app|handlers)\.ts$/],
  ["legacy", /^legacy\//],
  ["routes", /^[a-z]+\/([a-z]+\/)?([a-z-]+-)?routes\.ts$/],
  ["verbs", /^(accounts|admin|batches|books|files|idempotency|records|targets|tasks|workers)\//],
  ["contracts", /^(context|jobs)\.ts$/],
  ["platform", /^platform\//],
  ["ground", /^(errors|config|settings)\.ts$|^schema\//],
];

function layerOf(file: string): number {
  return LAYERS.findIndex(([, pattern]) => pattern.test(file));
}

test("every file has its layer", () => {
  expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
});

test("imports point downwards", () => {
  const upwards = files.flatMap((file) =>
    ours(file)
      .filter((to) => layerOf(to) < layerOf(file))
      .map((to) => `${file} -> ${to}`),
  );
  expect(upwards).toEqual([]);
});

test("nothing imports in a circle", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const next of ours(file)) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

describe("one place each", () => {
  const elsewhere = (pattern: RegExp, allowed: readonly string[]) =>
    files.filter((file) => !allowed.includes(file) && pattern.test(source.get(file) ?? ""));

  test("only config.ts reads process.env", () => {
    expect(elsewhere(/process\.env\b(?!:)/, ["config.ts"])).toEqual([]);
  });

  test.each([
    ["pg-boss", "platform/queue.ts"],
    ["sharp", "platform/pictures/"],
    ["node:worker_threads", "platform/threads/"],
    ["argon2", "accounts/passwords.ts"],
    ["unpdf", "tasks/types/document/"],
    ["mediabunny", "tasks/types/video/"],
  ])("%s is known to %s alone", (library, place) => {
    const importers = files.filter((file) => imports.get(file)?.includes(library));
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter((file) => !file.startsWith(place))).toEqual([]);
  });

  test("legacy is imported by app.ts alone, so that it can go in one commit", () => {
    const importers = files.filter(
      (file) => !file.startsWith("legacy/") && ours(file).some((to) => to.startsWith("legacy/")),
    );
    expect(importers).toEqual(["app.ts"]);
  });

  test("a domain error carries no HTTP status", () => {
    expect(
      elsewhere(
        /statusCode|\.code\(\d{3}\)/,
        files.filter((file) => /routes\.ts$|^legacy\/|^platform\/http\//.test(file)),
      ),
    ).toEqual([]);
  });
});

test("no file is long", () => {
  const long = files.filter((file) => (source.get(file) ?? "").split("\n").length > 300);
  expect(long).toEqual([]);
});

test("every test file is picked up by a project of vitest", () => {
  const strays = globSync("**/*.test.ts", { cwd: src });
  expect(strays).toEqual([]);
});
