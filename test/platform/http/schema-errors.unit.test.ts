import Fastify from "fastify";
import Type, { type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { handleErrors } from "../../../src/platform/http/errors.ts";
import { schemaErrors } from "../../../src/platform/http/schema-errors.ts";
import { NUL_FREE, nullable, Uuid } from "../../../src/platform/http/schemas.ts";

const CASES: readonly (readonly [value: unknown, schema: TSchema, texts: string[]])[] = [
  ["", Type.String({ minLength: 1 }), ["must have at least 1 character."]],
  ["abc", Type.String({ maxLength: 2 }), ["must have at most 2 characters."]],
  ["a\0", Type.String({ pattern: NUL_FREE }), ["must not contain the character U+0000."]],
  ["b", Type.String({ pattern: "^a$" }), ["must match the pattern ^a$."]],
  ["1", Uuid, ["must be a UUID."]],
  ["may", Type.String({ format: "date" }), ["must be a date, such as 2026-11-22."]],
  ["x", Type.Integer(), ["must be a whole number."]],
  ["x", Type.Number(), ["must be a number."]],
  ["x", Type.Boolean(), ["must be true or false."]],
  [7, Type.Integer({ maximum: 6 }), ["must be at most 6."]],
  [0, Type.Integer({ minimum: 1 }), ["must be at least 1."]],
  ["c", Type.Enum(["a", "b"]), ["must be one of: a, b."]],
  [[], Type.Array(Type.String(), { minItems: 1 }), ["must have at least 1 item."]],
  [["a", "b"], Type.Array(Type.String(), { maxItems: 1 }), ["must have at most 1 item."]],
  [{}, nullable(Type.Integer(), ""), ["must be a whole number or null."]],
];

test.each(CASES)(
  "the value %j breaks a rule: both validators report it in the same words",
  async (value, schema, texts) => {
    const app = Fastify({ ajv: { customOptions: { allErrors: true, keywords: [] } } });
    handleErrors(app);
    app.post("/", { schema: { body: Type.Object({ field: schema }) } }, () => null);
    const answer = await app.inject({ method: "POST", url: "/", body: { field: value } });
    expect(answer.json().field_errors).toEqual({ field: texts });
    expect(schemaErrors(Compile(Type.Object({ field: schema })), { field: value })).toEqual({ field: texts });
  },
);

test("a missing field and an unknown field are named with the path of their object", () => {
  const item = Type.Object({ title: Type.String() }, { additionalProperties: false });
  const check = Compile(Type.Object({ items: Type.Array(item) }));
  expect(schemaErrors(check, { items: [{ titel: "a" }] }, "tasks.3")).toEqual({
    "tasks.3.items.0.title": ["is required."],
    "tasks.3.items.0.titel": ["is not a known field. Remove it, or correct its name."],
  });
});

test("the detail names five fields, and counts the others", async () => {
  const app = Fastify({ ajv: { customOptions: { allErrors: true } } });
  handleErrors(app);
  const names = ["a", "b", "c", "d", "e", "f"];
  const body = Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()])));
  app.post("/", { schema: { body } }, () => null);
  const answer = await app.inject({ method: "POST", url: "/", body: {} });
  const detail =
    "a: is required. b: is required. c: is required. d: is required. e: is required. And 1 more.";
  expect(answer.json().detail).toBe(detail);
  expect(Object.keys(answer.json().field_errors)).toEqual(names);
});
