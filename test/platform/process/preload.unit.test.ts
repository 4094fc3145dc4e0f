import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../../support/commands.ts";

function run(script: string): string {
  const preload = `--import=${join(checkout, "src/platform/process/preload.ts")}`;
  return execFileSync(process.execPath, [preload, "--input-type=module", "--eval", script], {
    cwd: checkout,
    encoding: "utf8",
  });
}

test("with preload.ts, drizzle-orm is one copy for import and another for require", () => {
  const output = run(`
    import { createRequire } from "node:module";
    import { is, SQL, sql, Table } from "drizzle-orm";
    import { pgTable, serial } from "drizzle-orm/pg-core";
    const required = createRequire(import.meta.url)("drizzle-orm");
    const books = pgTable("books", { id: serial() });
    console.log(books instanceof Table, is(sql\`\${books.id}\`, SQL), required.Table !== Table, required.getTableName(books));`);
  expect(output).toBe("true true true books\n");
});

test("with preload.ts, the parts of typebox are of one copy, and a missing file is named", () => {
  const output = run(`
    import Type from "typebox";
    import Value from "typebox/value";
    import { Compile } from "typebox/compile";
    const schema = Type.Object({ title: Type.String({ default: "Emma" }) });
    const missing = await import("./src/no-such-file.ts").catch(({ message }) => message);
    console.log(Compile(schema).Check(Value.Default(schema, {})), /no-such-file\\.ts/.test(missing));`);
  expect(output).toBe("true true\n");
});
