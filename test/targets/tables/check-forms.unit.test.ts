import { expect, test } from "vitest";
import { readCheckForms } from "../../../src/targets/tables/read/check-forms.ts";
import { conditionOf } from "../../../src/targets/tables/read/texts.ts";

test.each([
  ["(credit >= (0)::numeric)", [{ kind: "minimum", column: "credit", value: "0" }]],
  ["(0 < credit)", [{ kind: "above", column: "credit", value: "0" }]],
  ["(x >= '-5'::integer)", [{ kind: "minimum", column: "x", value: "-5" }]],
  [
    "((born >= '1900-01-01'::date) AND (born <= CURRENT_DATE))",
    [
      { kind: "minimum", column: "born", value: "1900-01-01" },
      { kind: "maximum", column: "born", value: "CURRENT_DATE" },
    ],
  ],
  [
    "((language)::text = ANY ((ARRAY['de'::character varying, 'it''s'::character varying])::text[]))",
    [{ kind: "values", column: "language", values: ["de", "it's"] }],
  ],
  ["(kind = 'a'::text)", [{ kind: "values", column: "kind", values: ["a"] }]],
  ["((code)::text ~ '^[A-Z]+$'::text)", [{ kind: "pattern", column: "code", pattern: "^[A-Z]+$" }]],
  ['(char_length(("a ""b")::text) < 40)', [{ kind: "max_length", column: 'a "b', length: 39 }]],
  ["(name <> ''::text)", [{ kind: "min_length", column: "name", length: 1 }]],
  ["(email IS NOT NULL)", [{ kind: "not_null", column: "email" }]],
  ["((postcode IS NULL) OR (postcode > 5))", [{ kind: "above", column: "postcode", value: "5" }]],
])("the condition %s is read", (text, forms) => {
  expect(readCheckForms(text)).toEqual(forms);
});

test.each([
  "((a IS NULL) OR (b > 5))",
  "((tier <> 'gold'::shop.tier) OR (email IS NOT NULL))",
  "(NOT (a > 5))",
  "((credit)::integer > 5)",
  "(shop.is_valid(code) AND (a > (b + 1)))",
  "(a > b)",
  "CASE WHEN (a > 5) THEN true ELSE (b > 5) END",
  "(length(btrim(name)) > 0)",
  `${"(".repeat(1000)}a > 1${")".repeat(1000)}`,
  "(a > 'unterminated",
])("the condition %s is left to PostgreSQL", (text) => {
  expect(readCheckForms(text)).toEqual([]);
});

test("a condition is read although another one beside it is not simple", () => {
  expect(readCheckForms("((a >= 1) AND (a <> b))")).toEqual([{ kind: "minimum", column: "a", value: "1" }]);
});

test("messages show conditions without casts of constants and outer parentheses", () => {
  expect(conditionOf("CHECK (((credit >= (0)::numeric) AND (credit <= (100000)::numeric)))")).toBe(
    "(credit >= 0) AND (credit <= 100000)",
  );
  expect(conditionOf("CHECK ((discount > (0)::numeric)) NOT VALID")).toBe("discount > 0");
  expect(conditionOf("CHECK ((name ~ '^(a'::text))")).toBe("name ~ '^(a'");
});
