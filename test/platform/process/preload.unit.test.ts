import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../../support/commands.ts";

/** Prints whether the parts of drizzle-orm are of one copy, and whether `require` has another one. */
const SCRIPT = `
  import { createRequire } from "node:module";
  import { is, SQL, sql, Table } from "drizzle-orm";
  import { pgTable, serial } from "drizzle-orm/pg-core";
  const required = createRequire(import.meta.url)("drizzle-orm");
  const books = pgTable("books", { id: serial() });
  console.log(books instanceof Table, is(sql\`\${books.id}\`, SQL), required.Table !== Table, required.getTableName(books));`;

test("with preload.ts, drizzle-orm is one copy for import and another for require", () => {
  const preload = `--import=${join(checkout, "src/platform/process/preload.ts")}`;
  const output = execFileSync(process.execPath, [preload, "--input-type=module", "--eval", SCRIPT], {
    cwd: checkout,
    encoding: "utf8",
  });
  expect(output).toBe("true true true books\n");
});
