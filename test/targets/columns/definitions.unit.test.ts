import { describe, expect, test } from "vitest";
import { ambiguousDates } from "../../../src/targets/columns/ambiguous-dates.ts";
import { checkColumns } from "../../../src/targets/columns/check-columns.ts";
import { checkLocale } from "../../../src/targets/columns/check-locale.ts";
import { columnsOf } from "../../../src/targets/columns/columns-of.ts";
import { jsonWriter, toJsonText } from "../../../src/targets/columns/json-text.ts";
import type { ColumnDefinition } from "../../../src/targets/definition/column.ts";
import type { Definition } from "../../../src/targets/definition/definition.ts";
import { definitionOf } from "../../support/cells.ts";

const lookup = { schema: "s", table: "t", match: ["m"], value: "id" };

describe("a definition that the JSON Schema accepts can still be wrong", () => {
  test.each<[string, Omit<ColumnDefinition, "name">, string, RegExp]>([
    [
      "an option of another type",
      { type: "integer", pattern: "x" },
      "pattern",
      /does not belong to the type integer, but to: text, email, url, lookup/,
    ],
    ["an enum without values", { type: "enum" }, "values", /is required for the type enum/],
    ["a lookup without a table", { type: "lookup" }, "lookup", /is required/],
    ["a computed column without a template", { type: "computed" }, "template", /is required/],
    ["an array without items", { type: "array" }, "items", /is required/],
    ["a constant without a value", { type: "constant" }, "value", /`from` is required/],
    ["a constant with two values", { type: "constant", value: 1, from: "user.id" }, "value", /not both/],
    ["a required constant", { type: "constant", value: 1, required: true }, "required", /does not belong/],
    [
      "limits in the wrong order",
      { type: "decimal", minimum: 5, maximum: 2.5 },
      "minimum",
      /greater than `maximum`, 2\.5/,
    ],
    ["a limit that is not a number", { type: "integer", minimum: "today" }, "minimum", /must be a number/],
    [
      "a limit that is not a date",
      { type: "date", maximum: "31.12.2024" },
      "maximum",
      /must be a date such as/,
    ],
    [
      "lengths in the wrong order",
      { type: "text", min_length: 5, max_length: 4 },
      "min_length",
      /greater than/,
    ],
    [
      "more decimals than digits",
      { type: "decimal", precision: 4, scale: 5 },
      "scale",
      /greater than `precision`/,
    ],
    ["a default of another type", { type: "integer", default: "five" }, "default", /"five" is not a number/],
    [
      "a default outside of the limits",
      { type: "integer", minimum: 1, default: 0 },
      "default",
      /less than 1/,
    ],
    ["an example that fails", { type: "date", example: "31.12.2024" }, "example", /is not a date/],
    [
      "a default policy without a default",
      { type: "text", empty_cell: "default" },
      "empty_cell",
      /no `default`/,
    ],
    [
      "a message without a pattern",
      { type: "text", pattern_message: "is x" },
      "pattern_message",
      /needs a `pattern`/,
    ],
    [
      "a pattern that does not compile",
      { type: "text", pattern: "(a" },
      "pattern",
      /is not a regular expression/,
    ],
    ["a look-behind", { type: "text", pattern: "(?<=a)b" }, "pattern", /Look-around/],
    ["a back reference", { type: "text", pattern: "(a)\\1" }, "pattern", /back references/],
    [
      "a pattern of a million parts",
      { type: "text", pattern: "(?:a{100}){100}" },
      "pattern",
      /too large|repeat count/,
    ],
    ["a format without a year", { type: "date", formats: ["dd.MM."] }, "formats.0", /has no year/],
    [
      "a date format with a time",
      { type: "date", formats: ["yyyy-MM-dd HH:mm"] },
      "formats.0",
      /Use the type timestamp/,
    ],
    [
      "hours to 12 without AM",
      { type: "timestamp", formats: ["yyyy-MM-dd hh:mm"] },
      "formats.0",
      /without the field a/,
    ],
    [
      "a timestamp format without a time",
      { type: "timestamp", formats: ["yyyy-MM-dd"] },
      "formats.0",
      /no hour and no minute/,
    ],
    [
      "an unknown field",
      { type: "date", formats: ["DD.MM.yyyy"] },
      "formats.0",
      /has "D", which is no field/,
    ],
    ["a field twice", { type: "date", formats: ["dd.d.MM.yyyy"] }, "formats.0", /has the day twice/],
    [
      "fields without an end",
      { type: "date", formats: ["yyyydM"] },
      "formats.0",
      /ambiguous: d has any number/,
    ],
    [
      "formats that contradict each other",
      { type: "date", formats: ["dd/MM/yyyy", "MM/dd/yyyy"] },
      "formats",
      /read "05\/04\/2003" as different days/,
    ],
    ["years at both ends", { type: "date", formats: ["yy.MM.dd", "dd.MM.yy"] }, "formats", /are ambiguous/],
    [
      "a pivot that nothing needs",
      { type: "date", formats: ["dd.MM.yyyy"], two_digit_year_pivot: 1930 },
      "two_digit_year_pivot",
      /needs a format with yy/,
    ],
    [
      "a word with two meanings",
      {
        type: "enum",
        values: [
          { value: "a", synonyms: ["X"] },
          { value: "b", synonyms: ["x"] },
        ],
      },
      "values.1.synonyms",
      /means both "a" and "b"/,
    ],
    ["a value twice", { type: "enum", values: [{ value: "a" }, { value: "a" }] }, "values.1.value", /twice/],
    [
      "a separator inside of numbers",
      { type: "array", items: { type: "decimal" }, separator: "." },
      "separator",
      /part of numbers/,
    ],
    ["a template without a column", { type: "computed", template: "text" }, "template", /names no column/],
    [
      "a template with an unknown column",
      { type: "computed", template: "{{nobody}}" },
      "template",
      /has no column "nobody"/,
    ],
    [
      "a template that is not closed",
      { type: "computed", template: "{{other}} {{x" },
      "template",
      /not closed/,
    ],
    ["a template of itself", { type: "computed", template: "{{a}}" }, "template", /computed itself/],
  ])("a column is refused: %s", (_, column, field, message) => {
    const problems = checkColumns(
      definitionOf([
        { name: "other", type: "text" },
        { ...column, name: "a" },
      ]),
    );
    expect(Object.keys(problems)).toEqual([`columns.1.${field}`]);
    expect(problems[`columns.1.${field}`]?.[0]).toMatch(message);
  });

  test.each<[string, Partial<Definition>, string, RegExp]>([
    [
      "an unknown column of the key",
      { key: { columns: ["x"] } },
      "key.columns.0",
      /has no column "x"\. The columns: a, b/,
    ],
    ["a key of JSON", { key: { columns: ["j"] } }, "key.columns", /cannot identify records/],
    ["an unknown column of updates", { update: { columns: ["b", "b"] } }, "update.columns.1", /twice/],
    [
      "an update of the key",
      { key: { columns: ["a"] }, update: { columns: ["a"] } },
      "update.columns",
      /identifies the record/,
    ],
    ["an unknown column of an example", { example_rows: [{ x: "1" }] }, "example_rows.0.x", /has no column/],
    [
      "an unknown column of a rule",
      { rules: [{ name: "r", message: "m", require: ["x"] }] },
      "rules.0.require.0",
      /has no column "x"/,
    ],
    [
      "a rule without a demand",
      { rules: [{ name: "r", message: "m", if: { a: "1" } }] },
      "rules.0",
      /needs `require`/,
    ],
    [
      "a condition of another type",
      { rules: [{ name: "r", message: "m", if: { b: "x" }, require: ["a"] }] },
      "rules.0.if.b",
      /is not a number/,
    ],
    [
      "a comparison of two types",
      { rules: [{ name: "r", message: "m", compare: { left: "a", operator: "<", right: "b" } }] },
      "rules.0.compare",
      /different types/,
    ],
    [
      "an order of JSON",
      { rules: [{ name: "r", message: "m", compare: { left: "j", operator: "<", right: "j" } }] },
      "rules.0.compare.operator",
      /no order/,
    ],
    ["one character for two purposes", { locale: { decimal: ",", group: "," } }, "locale.group", /same as/],
    [
      "a word that is true and false",
      { locale: { true: ["X"], false: ["x"] } },
      "locale.true",
      /means false as well/,
    ],
    ["a word that is null and true", { locale: { null: ["Yes"] } }, "locale.null", /means true as well/],
    [
      "an unknown time zone",
      { locale: { timezone: "Europe/Atlantis" } },
      "locale.timezone",
      /is not a time zone/,
    ],
    [
      "a default mode that is not allowed",
      { mode: { default: "upsert", allowed: ["insert"] } },
      "mode.default",
      /is not one of/,
    ],
  ])("a definition is refused: %s", (_, rest, field, message) => {
    const columns: ColumnDefinition[] = [
      { name: "a", type: "text" },
      { name: "b", type: "integer" },
      { name: "j", type: "json" },
    ];
    const problems = checkColumns(definitionOf(columns, rest));
    expect(Object.keys(problems)).toEqual([field]);
    expect(problems[field]?.[0]).toMatch(message);
  });

  test("two columns with names that look the same are refused, and so are two writers of one column", () => {
    const problems = checkColumns(
      definitionOf([
        { name: "full_name", type: "text", aliases: ["Customer"] },
        { name: "Full Name", type: "text", to: "x" },
        { name: "other", type: "text", to: "full_name" },
        { name: "third", type: "text", label: "customer *" },
        { name: "third", type: "text" },
        { name: "__proto__", type: "text" },
        { name: "_-_", type: "text" },
      ]),
    );
    expect(Object.keys(problems).sort()).toEqual([
      "columns.1.name",
      "columns.2.to",
      "columns.3.label",
      "columns.4.name",
      "columns.5.name",
      "columns.6.name",
    ]);
  });

  test("the locale of an upload is checked together with the one of the target", () => {
    expect(checkLocale({ decimal: ",", group: "." }, "locale", { decimal: "." })).toEqual({
      "locale.group": [
        'is the same as the character before decimals, ".". Choose another `group` or `decimal`.',
      ],
    });
    expect(checkLocale({ decimal: ",", group: "." }, "locale", { decimal: ".", group: "," })).toEqual({});
  });
});

test("a target has the columns of files, with their names and whether they are required", () => {
  const definition = definitionOf(
    [
      {
        name: "id",
        type: "text",
        label: "Customer no.",
        required: true,
        aliases: ["ID", "number"],
        max_length: 9,
        example: "DE1",
      },
      {
        name: "tier",
        type: "enum",
        values: [{ value: "gold" }, { value: "silver" }],
        default: "gold",
        required: true,
      },
      { name: "born", type: "date", formats: ["dd.MM.yyyy"], description: "The birthday." },
      { name: "by", type: "constant", from: "user.id" },
    ],
    { key: { columns: ["id"] }, example_rows: [{ born: "1.2.2024" }] },
  );
  expect(JSON.parse(JSON.stringify(columnsOf(definition)))).toMatchObject({
    columns: {
      properties: {
        id: {
          description: "Customer no. Type: text. Identifies the record.",
          examples: ["DE1"],
          minLength: 1,
          maxLength: 9,
        },
        tier: { description: "One of: gold, silver.", default: "gold" },
        born: {
          description: "The birthday. Type: date, written as dd.MM.yyyy.",
          examples: ["1.2.2024"],
          default: "",
        },
      },
    },
    aliases: { id: ["Customer no.", "number"] },
    key: ["id"],
  });
  const { columns } = columnsOf(definition);
  expect(Object.keys(columns.properties)).toEqual(["id", "tier", "born"]);
  expect("default" in (columns.properties.id ?? {})).toBe(false);
});

describe("dates that could have the day or the month first", () => {
  const definition = definitionOf(
    [
      { name: "born", type: "date" },
      { name: "seen", type: "timestamp" },
    ],
    {
      locale: { date_order: "mdy" },
    },
  );
  const find = (cells: readonly string[]) =>
    ambiguousDates(
      definition,
      cells.map((cell) => [cell, "2024-01-02"]),
      { born: 0, seen: 1 },
    );

  test("ambiguous dates are found, with the meaning that they have now", () => {
    expect(find(["", "5/5/2024", "3/4/2024"])).toEqual([
      { column: "born", cell: "3/4/2024", readAs: "2024-03-04" },
    ]);
  });

  test("dates are not ambiguous if another cell shows the order", () => {
    expect(find(["3/4/2024", "12/31/2024"])).toEqual([]);
    expect(find(["2024-03-04", "x", ""])).toEqual([]);
  });
});

test("JSON has numbers without a loss, and no key for a value that is not given", () => {
  const definition = definitionOf([
    { name: "id", type: "integer", to: 'ID "1"' },
    { name: "price", type: "decimal" },
    { name: "on", type: "boolean" },
    { name: "tags", type: "array", items: { type: "text" } },
    { name: "sizes", type: "array", items: { type: "decimal" } },
    { name: "flags", type: "array", items: { type: "boolean" } },
    { name: "meta", type: "json" },
    { name: "note", type: "text" },
    { name: "gone", type: "text" },
    { name: "country", type: "lookup", lookup },
    { name: "by", type: "constant", from: "user.id" },
    { name: "yes", type: "constant", value: true },
  ]);
  const text = toJsonText(definition, {
    id: "9223372036854775807",
    price: "0.10",
    on: "f",
    tags: '{a,"b \\"c\\\\","NULL"}',
    sizes: "{1.50,-2}",
    flags: "{t,f}",
    meta: '{"a": 1e2}',
    note: null,
    gone: undefined,
    country: "DE",
    by: "7",
    yes: "true",
  });
  expect(text).toBe(
    '{"ID \\"1\\"":9223372036854775807,"price":0.10,"on":false,"tags":["a","b \\"c\\\\","NULL"],"sizes":[1.50,-2],' +
      '"flags":[true,false],"meta":{"a": 1e2},"note":null,"country":"DE","by":7,"yes":true}',
  );
  expect(jsonWriter(definition)({ price: "1" })).toBe('{"price":1}');
});
