/** On Citus, the command tag of INSERT ... ON CONFLICT counts the rows that were selected, not those that were inserted. */
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../../support/commands.ts";

/** From a `const` whose statement has ON CONFLICT to the next one. */
function countsByTag(source: string): boolean {
  return source
    .split(/\n(?=\s*(?:const|let) |\})/)
    .some((part) => /\bON CONFLICT\b|\.onConflict/.test(part) && /\browCount\b/.test(part));
}

test("no statement with ON CONFLICT is counted by its command tag", async () => {
  const found: string[] = [];
  for await (const path of glob("src/**/*.ts", { cwd: checkout }))
    if (countsByTag(readFileSync(join(checkout, path), "utf8"))) found.push(path);
  expect(found).toEqual([]);
});

test.for([
  "\n  const { rowCount } = await db.execute(sql`INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING`);\n",
  "\n  const inserted = await db.insert(t).values(v).onConflictDoNothing();\n  if (inserted.rowCount === 1) return;\n",
])("a count by the tag is found: %s", (source) => {
  expect(countsByTag(source)).toBe(true);
});

test("a count of returned rows is allowed", () => {
  const source =
    "\n  const { rows } = await db.execute(sql`INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING RETURNING id`);\n";
  expect(countsByTag(source)).toBe(false);
});
