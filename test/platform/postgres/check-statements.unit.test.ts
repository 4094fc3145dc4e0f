/** The check of the statements that a run of tests has sent. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { problemsOf, readStatements } from "../../support/check-statements.ts";
import { type SentStatement, statementOf } from "../../support/sent-statements.ts";

const BROKEN = "SELECT * FROM rowmill.books WHERE id = $1";

function problemsIn(lines: readonly Partial<SentStatement>[], rest = ""): string[] {
  const folder = mkdtempSync(join(tmpdir(), "rowmill-statements-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const texts = lines.map((line) => JSON.stringify({ text: BROKEN, equal: [1], origin: null, ...line }));
  writeFileSync(join(folder, "1.jsonl"), `${texts.join("\n")}\n${rest}`);
  return problemsOf(readStatements(folder), new Map());
}

test("a statement that breaks a rule is a problem, whether or not its sender is known", () => {
  for (const origin of [null, "src/books/queries.ts"])
    expect(problemsIn([{ origin }])).toEqual([`names no key: ${BROKEN}`]);
});

test("a statement is no problem if a test, a backup or a migration before the distribution of tables has sent it", () => {
  expect(problemsIn([{ origin: "test/books/list.test.ts" }, { origin: null }])).toEqual([]);
  expect(problemsIn([{ origin: "src/backups/load-tables.ts" }])).toEqual([]);
  const ofMigration = `\nUPDATE "rowmill"."chunks" SET "created" = "succeeded" WHERE "succeeded" > 0;`;
  expect(problemsIn([{ text: ofMigration }])).toEqual([]);
  expect(problemsIn([{ text: `${ofMigration} ` }])).toHaveLength(1);
});

test("the last line of a killed program may be a part of one", () => {
  expect(problemsIn([{}], '{"text":"SELECT')).toHaveLength(1);
});

test("a statement has its text, and for each parameter the first one with the same value", () => {
  expect(statementOf(["SELECT 1"])).toEqual({ text: "SELECT 1", equal: [] });
  expect(statementOf([{ text: "SELECT $1, $2, $3", values: ["a", "b", "a"] }])).toMatchObject({
    equal: [1, 2, 1],
  });
  expect(statementOf(["SELECT $1, $2", [7, 7]])).toMatchObject({ equal: [1, 1] });
  expect(statementOf([{}])).toBeNull();
});
