/** The table of capabilities: it is whole, and every test that it names exists. docs/migrating.md shows it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { all, root } from "../../support/pages.ts";
import { checksOf, fileOf, howChecked, numbered, services } from "./capabilities.ts";

const COUNTS = { S0: 34, S1: 30, S2: 26, S3: 17, S4: 26 };

/** The names of the tests of a file, as its source writes them. */
function testsOf(file: string): string[] {
  const path = join(root, "test", file);
  if (!existsSync(path)) return [];
  return all(readFileSync(path, "utf8"), /\(\s*("(?:[^"\\\n]|\\.)+"|`[^`\n]+`)\s*,/g).map((name) =>
    name.slice(1, -1).replaceAll('\\"', '"'),
  );
}

test("every capability has a line", () => {
  expect(Object.fromEntries(services.map(({ id, capabilities }) => [id, capabilities.length]))).toEqual(
    COUNTS,
  );
});

test("every line names a test, or says why it has none", () => {
  const empty = services.flatMap(numbered).filter(([, { replayed, tests, missing }]) => {
    const isChecked = replayed !== undefined || tests !== undefined;
    return isChecked === (missing !== undefined);
  });
  expect(empty).toEqual([]);
});

test("every test that the table names exists", () => {
  const named = services.flatMap(({ capabilities }) =>
    capabilities.flatMap(({ tests = {} }) =>
      Object.entries(tests).flatMap(([file, names]) => names.map((name) => [file, name] as const)),
    ),
  );
  const unknown = named.filter(([file, name]) => !testsOf(file).includes(name));
  expect(unknown).toEqual([]);
});

describe.each(services)("$name", (service) => {
  const replays = testsOf(fileOf(service));
  const named = service.capabilities.flatMap(({ replayed = [] }) => replayed);

  test(`the table names every replayed request of the ${service.name}, and no other`, () => {
    const labels = replays
      .filter((name) => name.startsWith(`${service.label}, `))
      .map((name) => name.slice(service.label.length + 2, name.indexOf(":")));
    expect([...new Set(named)].sort()).toEqual([...new Set(labels)].sort());
  });
});

test("the table of capabilities, printed", () => {
  const lines = services
    .flatMap(numbered)
    .map(([number, capability]) =>
      [
        number.padEnd(6),
        howChecked(capability).padEnd(10),
        capability.text,
        `(${checksOf(capability)})`,
      ].join(" "),
    );
  process.stdout.write(`${lines.join("\n")}\n`);
  expect(lines).toHaveLength(Object.values(COUNTS).reduce((sum, count) => sum + count));
});
