/** Whole rows: empty and absent cells by mode, columns that are not in the file, and rules about several columns. */
import { describe, expect, test } from "vitest";
import type { BatchMode } from "../../../src/schema/batches.ts";
import { defaultsOf } from "../../../src/targets/columns/defaults.ts";
import { type CheckedBatch, rowCheck } from "../../../src/targets/columns/row-check.ts";
import type { ColumnDefinition } from "../../../src/targets/definition/column.ts";
import type { Definition } from "../../../src/targets/definition/definition.ts";
import { definitionOf } from "../../support/cells.ts";

const batch: Omit<CheckedBatch, "mapping"> = {
  id: "018f0000-0000-7000-8000-000000000000",
  userId: 7,
  mode: "insert",
};

/** Checks a row whose cells are given by the names of their columns. */
function checkRow(
  definition: Definition,
  row: Readonly<Record<string, string>>,
  changes: Partial<CheckedBatch> = {},
) {
  const mapping = Object.fromEntries(Object.keys(row).map((name, index) => [name, index]));
  return rowCheck(definition, { ...batch, mapping, ...changes })(Object.values(row), 2);
}

const errorsOf = (checked: ReturnType<typeof checkRow>) =>
  "errors" in checked
    ? checked.errors.map(({ column, code, message }) => `${column} ${code}: ${message}`)
    : [];

describe("a cell without a value", () => {
  const valueFor = (column: Omit<ColumnDefinition, "name">, cell: string | null, mode: BatchMode) => {
    const definition = definitionOf([
      { ...column, name: "a" },
      { name: "b", type: "text" },
    ]);
    const checked = checkRow(definition, { b: "x", ...(cell === null ? {} : { a: cell }) }, { mode });
    return "values" in checked ? checked.values.a : checked.errors.map(({ code }) => code).join();
  };
  const plain = { type: "integer" } as const;
  const withDefault = { type: "integer", default: "5" } as const;
  const required = { type: "integer", required: true } as const;

  test.each<[string, Omit<ColumnDefinition, "name">, string | null, Partial<Record<BatchMode, unknown>>]>([
    ["an absent column", plain, null, { insert: undefined, upsert: undefined, update: undefined }],
    ["an empty cell", plain, "", { insert: undefined, upsert: undefined, update: undefined }],
    [
      "an absent column with a default",
      withDefault,
      null,
      { insert: "5", append: "5", upsert: undefined, update: undefined },
    ],
    [
      "an empty cell with a default",
      withDefault,
      "",
      { insert: "5", skip_existing: "5", upsert: undefined, update: undefined },
    ],
    [
      "an absent required column",
      required,
      null,
      { insert: "required", upsert: "required", update: undefined },
    ],
    ["an empty required cell", required, "", { insert: "required", upsert: "required", update: undefined }],
    [
      "empty_cell null",
      { ...withDefault, empty_cell: "null" },
      "",
      { insert: "5", upsert: null, update: null },
    ],
    [
      "empty_cell default",
      { ...withDefault, empty_cell: "default" },
      "",
      { insert: "5", upsert: "5", update: "5" },
    ],
    [
      "a required cell with keep",
      { ...required, empty_cell: "keep" },
      "",
      { upsert: "required", update: undefined },
    ],
  ])("%s depends on the mode", (_, column, cell, expected) => {
    const found = Object.keys(expected).map((mode) => [mode, valueFor(column, cell, mode as BatchMode)]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  test("the policy of the target is for columns without their own", () => {
    const definition = definitionOf(
      [
        { name: "a", type: "text" },
        { name: "b", type: "text", empty_cell: "null" },
      ],
      {
        update: { empty_cell: "keep" },
      },
    );
    expect(checkRow(definition, { a: "", b: "" }, { mode: "update" })).toEqual({
      values: { a: undefined, b: null },
    });
  });

  test("a short row does not give its last columns", () => {
    const check = rowCheck(definitionOf([{ name: "a", type: "text" }]), {
      ...batch,
      mode: "update",
      mapping: { a: 3 },
    });
    expect(check(["x"], 2)).toEqual({ values: { a: undefined } });
  });

  test("a key needs a value if the mode looks for records", () => {
    const definition = definitionOf([{ name: "id", type: "text" }], { key: { columns: ["id"] } });
    expect(checkRow(definition, { id: "" })).toEqual({ values: { id: undefined } });
    for (const mode of ["upsert", "update", "skip_existing"] as const)
      expect(errorsOf(checkRow(definition, { id: "" }, { mode }))).toEqual(["id required: id is required"]);
  });

  test("a key is composed, so that two spellings are one record", () => {
    const definition = definitionOf([{ name: "id", type: "text" }], { key: { columns: ["id"] } });
    expect(checkRow(definition, { id: "e\u0301" })).toEqual({ values: { id: "\u00e9" } });
  });

  test("a column with the name of a method is not in the file", () => {
    const definition = definitionOf([{ name: "constructor", type: "text" }]);
    expect(rowCheck(definition, { ...batch, mapping: {} })(["x"], 2)).toEqual({
      values: { constructor: undefined },
    });
  });

  test("writers of upserts find the defaults of new records", () => {
    const definition = definitionOf(
      [
        { name: "credit", type: "decimal", default: "1.250,50" },
        { name: "limit", type: "decimal", default: 0.5 },
        { name: "active", type: "boolean", default: true },
        { name: "note", type: "text" },
      ],
      { locale: { decimal: ",", group: "." } },
    );
    expect(defaultsOf(definition)).toEqual({ credit: "1250.50", limit: "0.5", active: "t" });
  });
});

test("an upload that writes numbers in another way leaves the defaults of the definition as they are", () => {
  const definition = definitionOf(
    [
      { name: "a", type: "decimal", default: "1,5" },
      { name: "b", type: "decimal" },
    ],
    {
      locale: { decimal: "," },
    },
  );
  const locale = { decimal: "." } as const;
  expect(checkRow(definition, { a: "", b: "2.5" }, { locale })).toEqual({ values: { a: "1.5", b: "2.5" } });
});

test("messages use the label of a column, or else its name in the file", () => {
  const definition = definitionOf([
    { name: "a", type: "integer", label: "Amount" },
    { name: "b", type: "integer" },
  ]);
  const checked = checkRow(definition, { a: "x", b: "y" }, { header: ["AMT", "Bonus €"] });
  expect(errorsOf(checked)).toEqual([
    'a invalid_number: Amount "x" is not a number: write it as 1250',
    'b invalid_number: Bonus € "y" is not a number: write it as 1250',
  ]);
});

describe("columns that are not in the file", () => {
  const definition = definitionOf([
    {
      name: "search",
      type: "computed",
      template: "{{name}} <{{email}}> by {{by}}",
      transform: ["lower"],
      max_length: 40,
    },
    { name: "name", type: "text" },
    { name: "email", type: "text" },
    { name: "by", type: "constant", from: "user.id" },
    { name: "source", type: "constant", value: true },
    { name: "line", type: "constant", from: "row.number" },
    { name: "file", type: "constant", from: "batch.filename" },
    { name: "at", type: "constant", from: "batch.created_at" },
    { name: "who", type: "constant", from: "user.username" },
  ]);
  const facts = { filename: "c.csv", createdAt: new Date("2026-01-02T03:04:05Z"), username: "ada" };

  test("constants and computed columns come last", () => {
    expect(checkRow(definition, { name: "Ada", email: "A@B.de" }, { facts })).toEqual({
      values: {
        name: "Ada",
        email: "A@B.de",
        by: "7",
        source: "true",
        line: "2",
        file: "c.csv",
        at: "2026-01-02T03:04:05.000+00:00",
        who: "ada",
        search: "ada <a@b.de> by 7",
      },
    });
  });

  test("an update that lacks a column of a template leaves the computed column as it is", () => {
    expect(checkRow(definition, { name: "Ada" }, { mode: "update" })).toMatchObject({
      values: { search: undefined },
    });
    expect(checkRow(definition, { name: "Ada" })).toMatchObject({ values: { search: "ada <> by 7" } });
  });

  test("a computed text that is too long fails with its value", () => {
    expect(errorsOf(checkRow(definition, { name: "A".repeat(60) }))).toEqual([
      `search too_long: search "${"A".repeat(60)}…" has 68 characters; at most 40 are allowed`,
    ]);
  });
});

describe("rules", () => {
  const columns: ColumnDefinition[] = [
    { name: "tier", type: "enum", values: [{ value: "gold", synonyms: ["G"] }, { value: "silver" }] },
    { name: "email", type: "email", label: "E-mail" },
    { name: "phone", type: "text" },
    { name: "credit", type: "decimal" },
    { name: "limit", type: "integer" },
    { name: "from", type: "timestamp" },
    { name: "to", type: "timestamp" },
  ];
  const withRule = (rule: Omit<NonNullable<Definition["rules"]>[number], "name" | "message">) =>
    definitionOf(columns, { rules: [{ name: "my_rule", message: "the rule", ...rule }] });

  test("require names the empty column and the condition", () => {
    const definition = withRule({ if: { tier: "G" }, require: ["email"] });
    expect(errorsOf(checkRow(definition, { tier: "Gold", email: "" }))).toEqual([
      'email my_rule: the rule (E-mail is empty, tier is "gold")',
    ]);
    expect(errorsOf(checkRow(definition, { tier: "silver", email: "" }))).toEqual([]);
    expect(errorsOf(checkRow(definition, { tier: "gold", email: "a@b.de" }))).toEqual([]);
  });

  test("an update without the column does not break the rule", () => {
    const definition = withRule({ if: { tier: "gold" }, require: ["email"] });
    expect(errorsOf(checkRow(definition, { tier: "gold" }, { mode: "update" }))).toEqual([]);
    const emptying: Definition = { ...definition, update: { empty_cell: "null" } };
    expect(errorsOf(checkRow(emptying, { tier: "gold", email: "" }, { mode: "update" }))).toHaveLength(1);
    expect(errorsOf(checkRow(definition, { tier: "gold" }))).toHaveLength(1);
  });

  test("a column with an error breaks no rule", () => {
    const definition = withRule({ if: { tier: "gold" }, require: ["email"] });
    const errors = errorsOf(checkRow(definition, { tier: "gold", email: "nobody" }));
    expect(errors).toEqual(['email invalid_email: E-mail "nobody" is not an email address: it has no @']);
  });

  test("conditions compare values, not spellings", () => {
    const equal = withRule({ if: { credit: 1.5 }, forbid: ["phone"] });
    expect(errorsOf(checkRow(equal, { credit: "1.500", phone: "1" }))).toEqual([
      'phone my_rule: the rule (phone is "1", credit is "1.500")',
    ]);
    const oneOf = withRule({
      if: { tier: ["gold", "silver"], email: null },
      require_one: ["phone", "limit"],
    });
    expect(errorsOf(checkRow(oneOf, { tier: "g" }))).toEqual([
      'phone my_rule: the rule (phone is empty, limit is empty, tier is "gold", E-mail is empty)',
    ]);
    expect(errorsOf(checkRow(oneOf, { tier: "g", limit: "1" }))).toEqual([]);
  });

  test("columns compare as numbers and as moments", () => {
    const numbers = withRule({ compare: { left: "credit", operator: "<=", right: "limit" } });
    expect(errorsOf(checkRow(numbers, { credit: "9.5", limit: "10" }))).toEqual([]);
    expect(errorsOf(checkRow(numbers, { credit: "10.5", limit: "9" }))).toHaveLength(1);
    expect(errorsOf(checkRow(numbers, { credit: "10.5", limit: "" }))).toEqual([]);
    const moments = withRule({ compare: { left: "from", operator: "<", right: "to" } });
    expect(
      errorsOf(checkRow(moments, { from: "2024-07-01T12:00:00+02:00", to: "2024-07-01T11:00:00Z" })),
    ).toEqual([]);
    expect(
      errorsOf(checkRow(moments, { from: "2024-07-01T12:00:00Z", to: "2024-07-01T13:00:00+02:00" })),
    ).toHaveLength(1);
  });
});
