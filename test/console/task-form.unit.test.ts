import { describe, expect, test } from "vitest";
import { curlOf } from "../../src/console/pages/tasks/form/curl.ts";
import {
  bodyOf,
  draftOf,
  EMPTY_TASK,
  problemsOfDraft,
  withValue,
} from "../../src/console/pages/tasks/form/draft.ts";
import { type Field, fieldsOf, titleOf, variantOf } from "../../src/console/pages/tasks/form/fields.ts";
import { NotJson, parseJson, problemsOf } from "../../src/console/pages/tasks/form/problems.ts";
import { taskTypes } from "../../src/tasks/types/registry.ts";
import { documented, exampleOf } from "../../src/tasks/types/views.ts";

/** The fields of one property. */
function fieldOf(schema: object, required: string[] = []): Field | undefined {
  return fieldsOf({ type: "object", properties: { value: schema }, required })[0];
}

describe("fields", () => {
  test.each([
    ["a text", { type: "string", minLength: 1, maxLength: 9, pattern: "^a" }, "text"],
    ["a number", { type: "number", minimum: 1 }, "number"],
    ["a whole number", { type: "integer" }, "number"],
    ["a boolean", { type: "boolean", default: false }, "boolean"],
    ["an enum", { enum: ["a", "b"] }, "choice"],
    ["constants", { anyOf: [{ const: "a" }, { const: "b" }] }, "choice"],
    ["a list of numbers", { type: "array", items: { type: "integer" } }, "list"],
    ["a list of lists", { type: "array", items: { type: "array", items: {} } }, "json"],
    ["an object", { type: "object", properties: { a: { type: "string" } } }, "group"],
    ["an object without fields", { type: "object" }, "json"],
    ["a text that can be null", { anyOf: [{ type: "string" }, { type: "null" }] }, "text"],
    ["a number or an enum", { anyOf: [{ type: "integer" }, { enum: ["low", "high"] }] }, "variants"],
    ["two objects", { anyOf: [{ type: "object" }, { type: "object", properties: {} }] }, "json"],
    ["a schema without a type", { description: "Anything." }, "json"],
    ["a schema that is no object", true as unknown as object, "json"],
  ])("%s", (_, schema, kind) => {
    expect(fieldOf(schema)?.kind).toBe(kind);
  });

  test("a field has the rules, the description, the default and the first example of its schema", () => {
    const schema = {
      type: "number",
      exclusiveMinimum: 0,
      maximum: 5,
      default: 2,
      description: "How many.",
      examples: [3, 4],
    };
    expect(fieldOf(schema, ["value"])).toEqual({
      kind: "number",
      name: "value",
      path: "params.value",
      description: "How many.",
      isRequired: true,
      default: 2,
      example: 3,
      isWhole: false,
      min: 0,
      isMinExcluded: true,
      max: 5,
    });
  });

  test("every parameter of the task types of Rowmill has a field of its own kind, except those that are JSON", () => {
    const asJson = taskTypes.flatMap((type) =>
      fieldsOf(documented(type.params))
        .filter(({ kind }) => kind === "json")
        .map(({ path }) => `${type.name} ${path}`),
    );
    expect(asJson).toEqual(["http params.headers", "http params.body"]);
  });

  test("the examples of the task types of Rowmill have no problems in their forms", () => {
    const found = taskTypes.map((type) => {
      const { params } = exampleOf(type) as { params: Record<string, unknown> };
      return [type.name, problemsOf(fieldsOf(documented(type.params)), params)];
    });
    expect(found.filter(([, problems]) => Object.keys(problems as object).length > 0)).toEqual([]);
  });

  test("an object in itself ends at some depth", () => {
    const schema: { type: string; properties: Record<string, unknown> } = { type: "object", properties: {} };
    schema.properties.again = schema;
    expect(JSON.stringify(fieldsOf(schema))).toContain('"kind":"json"');
  });

  test("names become titles", () => {
    expect(titleOf("rows_per_second")).toBe("Rows per second");
  });
});

describe("problems", () => {
  const problemOf = (schema: object, value: unknown, required: string[] = []) =>
    problemsOf(fieldsOf({ properties: { value: schema }, required }), { value })["params.value"];

  test.each([
    [{ type: "string", minLength: 2 }, "a", "Must have at least 2 characters."],
    [{ type: "string", maxLength: 1 }, "ab", "Must have at most 1 characters."],
    [{ type: "string", pattern: "^[a-z]$" }, "A", "Does not have the required form."],
    [{ type: "string", pattern: "(" }, "A", undefined],
    [{ type: "integer" }, 1.5, "Must be a whole number."],
    [{ type: "number", minimum: 1 }, 0, "Must be at least 1."],
    [{ type: "number", exclusiveMinimum: 1 }, 1, "Must be more than 1."],
    [{ type: "number", maximum: 1 }, 2, "Must be at most 1."],
    [{ type: "number" }, "x", "Must be a number."],
    [{ enum: ["a"] }, "b", "Choose one of the options."],
    [{ type: "array", items: { type: "integer" }, minItems: 2 }, [1], "Must have at least 2 values."],
    [{ type: "array", items: { type: "integer" } }, [1, "x"], "Value 2: Must be a number."],
    [{ type: "array", items: { type: "string" }, maxItems: 1 }, ["a", "b"], "Must have at most 1 values."],
    [{ type: "object" }, new NotJson("{"), "This is not valid JSON."],
    [{ type: "object" }, { any: 1 }, undefined],
  ])("%o with %o", (schema, value, problem) => {
    expect(problemOf(schema, value)).toBe(problem);
  });

  test("a missing value is a problem only if it is required and has no default", () => {
    expect(problemOf({ type: "string" }, undefined, ["value"])).toBe("Required.");
    expect(problemOf({ type: "string", default: "a" }, undefined, ["value"])).toBeUndefined();
    expect(problemOf({ type: "string" }, undefined)).toBeUndefined();
  });

  test("problems inside an object have its path", () => {
    const inner = { type: "object", properties: { width: { type: "integer", minimum: 1 } } };
    const shapes = { anyOf: [inner, { type: "array", items: { type: "integer" } }] };
    const fields = fieldsOf({ properties: { resize: shapes } });
    const problem = { "params.resize.width": "Must be at least 1." };
    expect(problemsOf(fields, { resize: { width: 0 } })).toEqual(problem);
    expect(problemsOf(fields, { resize: [1, 2] })).toEqual({});
  });

  test("a value that exists already decides the shape", () => {
    const field = fieldOf({ anyOf: [{ type: "integer" }, { enum: ["low"] }] });
    if (field?.kind !== "variants") throw new Error("The field has no variants.");
    expect([80, "low", "other"].map((value) => variantOf(field, value))).toEqual([0, 1, 0]);
  });

  test("JSON is read, and an empty text is no value", () => {
    expect(parseJson('{"a": 1}')).toEqual({ a: 1 });
    expect(parseJson("  ")).toBeUndefined();
    expect(parseJson("{")).toBeInstanceOf(NotJson);
  });
});

describe("drafts", () => {
  const TYPE = { file: "required", params: { properties: { seconds: { type: "number" } } } } as const;

  test("a body has only what the user filled in", () => {
    const draft = { ...EMPTY_TASK, type: "image", params: withValue({}, "quality", 80), fileId: "f" };
    expect(bodyOf(draft, TYPE)).toEqual({ type: "image", params: { quality: 80 }, file_id: "f" });
    expect(bodyOf({ ...EMPTY_TASK, type: "generic" }, { file: "none" })).toEqual({ type: "generic" });
  });

  test("a task becomes a draft and the same body again", () => {
    const task = {
      type: "image",
      params: { quality: 80 },
      file: { id: null, path: "a/b.png", name: "b.png", bytes: 1 },
      title: "Again",
      description: "",
      priority: 7,
      max_retries: 0,
      tags: ["may"],
      metadata: { order: 1 },
    };
    expect(bodyOf(draftOf(task), TYPE)).toEqual({
      type: "image",
      params: { quality: 80 },
      file_path: "a/b.png",
      title: "Again",
      priority: 7,
      max_retries: 0,
      tags: ["may"],
      metadata: { order: 1 },
    });
  });

  test("a draft names its problems as the API does", () => {
    expect(problemsOfDraft(EMPTY_TASK, undefined)).toEqual({ type: "Required." });
    const draft = { ...EMPTY_TASK, type: "x", params: { seconds: "soon" }, metadata: "{" };
    expect(problemsOfDraft(draft, TYPE)).toEqual({
      "params.seconds": "Must be a number.",
      file_id: "Required.",
      metadata: "This is not valid JSON.",
    });
  });

  test("the curl command quotes quotes, and reads the token from the environment", () => {
    const command = curlOf("http://localhost", "/api/v1/tasks", { title: "It's $HOME" });
    expect(command).toContain("'http://localhost/api/v1/tasks'");
    expect(command).toContain('"title": "It\'\\\'\'s $HOME"');
    expect(command).toContain("Bearer $ROWMILL_TOKEN");
  });
});
