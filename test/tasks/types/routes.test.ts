import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { checkParams } from "../../../src/tasks/create/check-params.ts";
import { taskTypes } from "../../../src/tasks/types/registry.ts";
import { exampleOf } from "../../../src/tasks/types/views.ts";
import type { Listed } from "../../support/task-client.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

interface Shown {
  name: string;
  params: { properties: Record<string, { description?: string; default?: unknown }>; required?: string[] };
  example: { type: string; params: object };
}

interface Schema {
  $ref?: string;
  oneOf?: Schema[];
  discriminator?: { propertyName: string; mapping: Record<string, string> };
  properties?: Record<string, Schema & { enum?: string[]; items?: Schema }>;
  additionalProperties?: boolean;
  required?: string[];
  description?: string;
}

let document: { components: { schemas: Record<string, Schema> }; paths: Record<string, unknown> };
const rowmill = useRowmill();
const user = useUser(rowmill);
beforeAll(async () => {
  document = (await user.get<typeof document>("/openapi.json")).body;
});

test("every task type is listed and can be read by name", async () => {
  const { items } = (await user.get<Listed<Shown>>("/api/v1/task-types")).body;
  const forEverybody = taskTypes.filter(({ role }) => role === undefined);
  expect(items.map(({ name }) => name)).toEqual(forEverybody.map(({ name }) => name));
  for (const item of items) {
    const { status, body } = await user.get(`/api/v1/task-types/${item.name}`);
    expect([status, body]).toEqual([200, item]);
  }
});

test("the generic type is shown with everything a client needs", async () => {
  expect((await user.get("/api/v1/task-types/generic")).body).toEqual({
    name: "generic",
    description: expect.stringContaining("Simulated work"),
    role: null,
    queue: "default",
    file: "none",
    limits: { timeout_seconds: 4000, max_file_bytes: null, per_second: null, concurrent: null },
    params: {
      type: "object",
      properties: {
        seconds: {
          type: "number",
          minimum: 0,
          maximum: 3600,
          description: expect.any(String),
          examples: [2],
        },
      },
    },
    result: {
      type: "object",
      properties: {
        message: { type: "string", description: expect.any(String) },
        seconds: { type: "number", description: expect.any(String) },
      },
    },
    example: { type: "generic", params: { seconds: 2 } },
  });
  expect((await user.get("/api/v1/task-types/image")).body).toMatchObject({ result: null });
});

test.each(taskTypes)("the type $name has a valid example and describes each parameter", (type) => {
  const { params } = exampleOf(type);
  expect(checkParams(type, params, {})).toMatchObject(params as object);
  const shown = Object.entries(type.params.properties as Record<string, { description?: string }>);
  expect(shown.filter(([, { description }]) => !description)).toEqual([]);
});

test("parameters are JSON Schema and require nothing that has a default", async () => {
  const { items } = (await user.get<Listed<Shown>>("/api/v1/task-types")).body;
  const ajv = new Ajv2020({ strict: false });
  for (const { params, example } of items) {
    const validate = ajv.compile(params);
    expect(validate(example.params)).toBe(true);
    const { properties, required = [] } = params;
    expect(required.filter((name) => properties[name]?.default !== undefined)).toEqual([]);
  }
});

test("an unknown task type answers 404", async () => {
  expect((await user.get("/api/v1/task-types/magic")).status).toBe(404);
  expect((await user.get("/api/v1/task-types/toString")).status).toBe(404);
  expect((await user.get(`/api/v1/task-types/${"x".repeat(101)}`)).status).toBe(404);
  expect((await rowmill.client.get("/api/v1/task-types")).status).toBe(401);
  expect((await rowmill.client.get("/api/v1/task-types/generic")).status).toBe(401);
});

test("the body of a new task is documented as a union by type", () => {
  const { schemas } = document.components;
  const resolve = (ref = "") => schemas[ref.replace("#/components/schemas/", "")];
  const { oneOf = [], discriminator } = schemas.NewTask ?? {};
  expect(discriminator?.propertyName).toBe("type");
  const mapping = discriminator?.mapping ?? {};
  expect(Object.keys(mapping)).toEqual(taskTypes.map(({ name }) => name));
  expect(oneOf.map(({ $ref }) => $ref)).toEqual(Object.values(mapping));
  for (const [name, ref] of Object.entries(mapping)) {
    const variant = resolve(ref);
    const type = taskTypes.find((one) => one.name === name);
    expect(variant?.properties?.type?.enum).toEqual([name]);
    expect(Object.keys(variant?.properties?.params?.properties ?? {})).toEqual(
      Object.keys(type?.params.properties ?? {}),
    );
    expect(variant?.required).toEqual(["type"]);
    expect(variant?.additionalProperties).toBe(false);
    expect("file_path" in (variant?.properties ?? {})).toBe(type?.file !== "none");
    expect(variant?.description).toContain(`${type?.limits.timeoutSeconds} s`);
  }
});

test("both routes that create tasks document that union", () => {
  const bodyOf = (path: string) =>
    (
      document.paths[path] as {
        post: { requestBody: { content: Record<string, { schema: Schema }> } };
      }
    ).post.requestBody.content["application/json"]?.schema;
  expect(bodyOf("/api/v1/tasks")).toEqual({ $ref: "#/components/schemas/NewTask" });
  expect(bodyOf("/api/v1/tasks/bulk")?.properties?.tasks?.items).toEqual({
    $ref: "#/components/schemas/NewTask",
  });
});
