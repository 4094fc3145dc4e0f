/** The example in docs/guide/targets.md is valid, and its messages are those that people get. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Check } from "typebox/value";
import { expect, test } from "vitest";
import { checkColumns } from "../../../src/targets/columns/check-columns.ts";
import { Definition } from "../../../src/targets/definition/definition.ts";
import { type Cell, readCell } from "../../support/cells.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/guide/targets.md"), "utf8");
const locale = {
  decimal: ",",
  group: ".",
  date_order: "dmy",
  timezone: "Europe/Berlin",
  true: ["ja", "x"],
  false: ["nein"],
} satisfies Cell["locale"];

const id: Cell = {
  type: "text",
  pattern: "^[A-Z]{2}[0-9]+$",
  pattern_message: "is two letters and digits, such as DE1042",
};
const CELLS: readonly (readonly [setup: Cell, cell: string])[] = [
  [id, "D1"],
  [{ type: "text", required: true }, ""],
  [{ type: "text", max_length: 5 }, "Ada Byron"],
  [{ type: "integer" }, "12,5"],
  [{ type: "integer" }, "9223372036854775808"],
  [{ type: "decimal" }, "1.25,00"],
  [{ type: "decimal" }, "12 %"],
  [{ type: "decimal" }, "1,2E+05"],
  [{ type: "decimal" }, "#N/A"],
  [{ type: "decimal", scale: 2 }, "1,005"],
  [{ type: "decimal", minimum: 0 }, "-5"],
  [{ type: "boolean" }, "yes"],
  [{ type: "date", formats: ["dd.MM.yyyy"] }, "31.02.1985"],
  [{ type: "date", formats: ["dd.MM.yyyy"] }, "1985-02-01"],
  [{ type: "date", maximum: "today" }, "01.01.2999"],
  [{ type: "timestamp" }, "31.03.2024 02:30"],
  [{ type: "email" }, "ada@example"],
  [{ type: "url" }, "example.com"],
  [{ type: "uuid" }, "42"],
  [{ type: "enum", values: [{ value: "gold" }, { value: "silver" }] }, "lead"],
  [{ type: "json" }, "{a: 1}"],
  [{ type: "array", items: { type: "integer" }, separator: ";" }, "1;x"],
  [{ type: "text", transform: [{ e164: { country_code: "49" } }] }, "12345"],
];

test.each(CELLS)("docs/guide/targets.md has the message for %j: %j", (setup, cell) => {
  const read = readCell({ ...setup, locale }, cell);
  const line = `| ${setup.type} | \`${"code" in read ? `${read.code}\`: ${read.message}` : read.value} |`;
  expect(page.split("\n").filter((other) => other === line)).toEqual([line]);
});

test("the example of docs/guide/targets.md is a valid definition", () => {
  const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const definition: unknown = { destination: { type: "records" }, ...JSON.parse(example) };
  if (!Check(Definition, definition)) throw new Error("The JSON Schema refuses it.");
  expect(checkColumns(definition)).toEqual({});
});
