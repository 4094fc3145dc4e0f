/** The proposal of a definition from the first rows of a file, and what the editor of a definition says about JSON. */
import { describe, expect, test } from "vitest";
import type { Column } from "../../../src/console/pages/admin/targets/definition/definition.ts";
import { jsonErrorAt } from "../../../src/console/pages/admin/targets/definition/json-error.ts";
import { parseDefinition } from "../../../src/console/pages/admin/targets/definition/parse-definition.ts";
import {
  placeOf,
  problemAt,
  problemsOf,
} from "../../../src/console/pages/admin/targets/definition/problems.ts";
import { createTableSql } from "../../../src/console/pages/admin/targets/guess/create-table.ts";
import { identifiersOf } from "../../../src/console/pages/admin/targets/guess/identifiers.ts";
import {
  definitionOf,
  proposeColumns,
  withType,
} from "../../../src/console/pages/admin/targets/guess/propose-from-file.ts";
import { examplesOf, sampleOf } from "../../../src/console/pages/admin/targets/preview/sample.ts";

/** One column with these cells. */
function guess(...cells: string[]) {
  const { columns, locale } = proposeColumns(
    ["x"],
    cells.map((cell) => [cell]),
  );
  const [first] = columns;
  return { ...first?.column, doubts: first?.doubts, locale };
}

const repeat = (words: readonly string[], count: number) =>
  Array.from({ length: count }, (_, at) => words[at % words.length] ?? "");

describe("the guessed type of a column", () => {
  test.each<[type: Column["type"], cells: string[]]>([
    ["integer", ["1", "-20", "", "300"]],
    ["decimal", ["1.5", "2"]],
    ["decimal", ["1,5", "2"]],
    ["decimal", ["12345678901234567890"]],
    ["boolean", ["yes", "No", "yes"]],
    ["boolean", ["ja", "nein"]],
    ["date", ["2026-11-22", "2026-01-02"]],
    ["date", ["1.2.2026", "22.11.2026"]],
    ["date", ["3 Dec 1985", "14 Mar 1990"]],
    ["timestamp", ["2026-11-22T10:00:00Z"]],
    ["email", ["ada@example.com"]],
    ["url", ["https://example.com/a"]],
    ["uuid", ["0195e3a4-0000-7000-8000-000000000000"]],
    ["text", ["00123", "00124"]],
    ["text", ["9.78043902348e+12"]],
    ["text", ["2026-13-40"]],
    ["text", ["32.12.2026", "12.32.2026"]],
    ["text", []],
    ["enum", repeat(["gold", "silver"], 30)],
    ["text", repeat(["gold", "silver"], 6)],
  ])("is %s for %j", (type, cells) => {
    expect(guess(...cells).type).toBe(type);
  });

  test("the guessed type of a column has a format for dates, and a doubt if both orders fit", () => {
    expect(guess("22.11.2026", "01.02.2026")).toMatchObject({ formats: ["dd.MM.yyyy"], doubts: [] });
    expect(guess("11/22/2026", "1/2/2026")).toMatchObject({
      formats: ["M/d/yyyy"],
      locale: { date_order: "mdy" },
      doubts: [],
    });
    expect(guess("01/02/2026")).toMatchObject({ formats: ["dd/MM/yyyy"], doubts: ["both_orders"] });
    expect(guess("22.11.26 14:05:09")).toMatchObject({ type: "timestamp", formats: ["dd.MM.yy HH:mm:ss"] });
    expect(guess("2026-11-22").formats).toBeUndefined();
  });

  test("follows the columns of the file that leave no doubt", () => {
    const { columns, locale } = proposeColumns(
      ["starts", "born", "price", "weight"],
      [
        ["01/02/2026", "12/31/1985", "1,234", "1,234,567.5"],
        ["03/04/2026", "01/15/1990", "5,678", "10.25"],
      ],
    );
    expect(columns.map(({ column, doubts }) => [column.type, column.formats?.[0], doubts])).toEqual([
      ["date", "MM/dd/yyyy", []],
      ["date", "MM/dd/yyyy", []],
      ["integer", undefined, []],
      ["decimal", undefined, []],
    ]);
    expect(locale).toEqual({ group: ",", date_order: "mdy" });
  });

  test("doubts a number such as 1,234, and text that is written unlike the other numbers", () => {
    expect(guess("1,234", "5,678").doubts).toEqual(["ambiguous_number"]);
    const { columns } = proposeColumns(
      ["a", "b", "c"],
      [
        ["1,5", "2,5", "1.000.5"],
        ["1,25", "3,5", "3.5"],
      ],
    );
    expect(columns.map(({ column }) => column.type)).toEqual(["decimal", "decimal", "text"]);
  });

  test("the guessed type of a column keeps currencies and words without a value out of the numbers", () => {
    expect(guess("€ 1.250,00", "n/a", "3,50 €")).toMatchObject({
      type: "decimal",
      currency: { symbols: ["€"] },
      locale: { decimal: ",", group: ".", null: ["n/a"] },
    });
    expect(guess("ja", "nein", "-").locale).toMatchObject({ null: ["-"] });
    expect(guess("0", "1", "1").doubts).toEqual(["zero_one"]);
  });

  test("the guessed type of a column can be replaced, and what belongs to the old type goes", () => {
    const column: Column = { name: "born", label: "Born", type: "date", formats: ["dd.MM.yyyy"] };
    expect(withType(column, "text")).toEqual({ name: "born", label: "Born", type: "text" });
  });
});

describe("a definition from a file", () => {
  test("a definition from a file has identifiers of all alphabets, each once, and not longer than PostgreSQL allows", () => {
    expect(identifiersOf(["Customer No.", "customer-no", "Straße", "2026", "", "Имя", "fullName"])).toEqual([
      "customer_no",
      "customer_no_2",
      "strasse",
      "c_2026",
      "column_5",
      "имя",
      "full_name",
    ]);
    const [long = ""] = identifiersOf(["я".repeat(100)]);
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(63);
  });

  test("a definition from a file has a key for a table and the SQL of the table, with quoted names", () => {
    const proposal = proposeColumns(
      ["Id", "order", "Born"],
      [
        ["A1", "1", "22.11.2026"],
        ["A2", "2", "23.11.2026"],
      ],
    );
    const columns = proposal.columns.map(({ column }) => column);
    const table = definitionOf(proposal, columns, { type: "table", schema: "shop", table: 'a"b' });
    expect(table).toMatchObject({
      key: { columns: ["id"] },
      mode: { default: "insert" },
      columns: [
        { name: "id", label: "Id", required: true },
        { name: "order", type: "integer" },
        { name: "born" },
      ],
    });
    expect(createTableSql(table)).toBe(
      [
        'CREATE TABLE "shop"."a""b" (',
        '  "id" text NOT NULL,',
        '  "order" bigint,',
        '  "born" date,',
        '  PRIMARY KEY ("id")',
        ");",
      ].join("\n"),
    );
    expect(definitionOf(proposal, columns, { type: "records" }).key).toBeUndefined();
  });

  test("a definition from a file is tried with as many rows as a request may have", () => {
    const cells = ["x".repeat(100_000)];
    const rows = Array.from({ length: 100 }, (_, at) => ({ row: at + 2, cells, problem: null }));
    const broken = { row: 1, cells: ["a", "b"], problem: "It has too many cells." };
    const dialect = {} as Parameters<typeof sampleOf>[0]["dialect"];
    const sample = sampleOf({
      names: ["a"],
      rows: [broken, ...rows],
      skipped: [],
      sheets: [],
      dialect,
      isWhole: true,
    });
    expect(sample?.rows).toHaveLength(6);
    expect(sample?.numbers[0]).toBe(2);
    const few = { header: ["No", "Name"], rows: [["1", "Ada"]] };
    expect(examplesOf(few, { id: "No", gone: "Other" }, 3)).toEqual([{ id: "1" }]);
  });
});

describe("JSON in the editor", () => {
  test.each([
    ['{"a": 1,}', 1, 9],
    ['{\n  "a": tru\n}', 2, 8],
    ["[1, 2", 1, 6],
    ['{"a" 1}', 1, 6],
    ["", 1, 1],
    ["{} {}", 1, 4],
    ['{"a": "x\ny"}', 1, 7],
  ])("says where %j is wrong", (text, line, column) => {
    expect(jsonErrorAt(text)).toEqual({ line, column });
  });

  test("JSON in the editor is right if it is JSON, and deep nesting is refused without an error", () => {
    const right = '{"a": [1, -2.5e3, true, null, "\\u00e9\\n"], "b": {}, "c": []}';
    expect(jsonErrorAt(right)).toBeNull();
    expect(jsonErrorAt("[".repeat(100_000))).toMatchObject({ line: 1 });
  });

  test("JSON in the editor must have the shape of a definition", () => {
    expect(
      parseDefinition('{"destination": {"type": "records"}, "columns": [{"name": "a", "type": "text"}]}'),
    ).toHaveProperty("definition");
    for (const text of ["[]", "null", '{"destination": {"type": "ftp"}, "columns": []}', '{"columns": [1]}'])
      expect(parseDefinition(text)).toHaveProperty("problem");
  });
});

describe("problems of a definition", () => {
  const definition = {
    destination: { type: "table" as const, schema: "", table: "t" },
    columns: [{ name: "a", type: "text" as const, transform: [{ strip_prefix: "" }] }],
  };
  test("leave out what the API says about other kinds of transforms", () => {
    const answered = {
      "definition.destination.schema": "must have at least 1 character.",
      "definition.columns.0.transform.0": "must be text.",
      "definition.columns.0.transform.0.replace": "is required.",
      "definition.columns.0.transform.0.strip_prefix": "must have at least 1 character.",
      "columns.0.pattern": "is not a regular expression.",
    };
    expect(Object.keys(problemsOf(answered, definition))).toEqual([
      "destination.schema",
      "columns.0.transform.0.strip_prefix",
      "columns.0.pattern",
    ]);
  });

  test("problems of a definition are shown at the field that contains them, in its part of the form", () => {
    const problems = { "columns.1.values.2.value": "is empty." };
    expect(problemAt(problems, "columns.1.values")).toBe("2.value: is empty.");
    expect(problemAt(problems, "columns.1.value")).toBeUndefined();
    expect(placeOf("columns.1.values.2")).toEqual({ tab: "columns", column: 1 });
    expect(placeOf("update.columns")).toEqual({ tab: "rules" });
    expect(placeOf("locale.decimal")).toEqual({ tab: "target" });
  });
});
