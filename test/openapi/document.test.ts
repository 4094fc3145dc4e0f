import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Document,
  follow,
  type NamedOperation,
  namesOf,
  objectsIn,
  operationsOf,
  readDocument,
  resolve,
} from "../support/document.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";

let rowmill: Rowmill;
let openapi: Document;
let operations: NamedOperation[];

beforeAll(async () => {
  rowmill = await startRowmill();
  openapi = await readDocument(rowmill.client);
  operations = operationsOf(openapi);
});
afterAll(() => rowmill[Symbol.asyncDispose]());

const wrong = (isWrong: Parameters<typeof namesOf>[1]) => namesOf(operations, isWrong);

/** Method and path of every route that fastify serves, as the document writes them. */
function servedRoutes(): string[] {
  const parents: string[] = [];
  return rowmill.app
    .printRoutes({ commonPrefix: false })
    .split("\n")
    .flatMap((line) => {
      const [, indent, part, methods] = /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?$/.exec(line) ?? [];
      if (indent === undefined || part === undefined) return [];
      parents.splice(indent.length / 4, Number.POSITIVE_INFINITY, part);
      const path = parents
        .join("")
        .replace(/:(\w+)/g, "{$1}")
        .replace(/(?<=.)\/$/, "");
      return (methods ?? "").split(", ").map((method) => `${method} ${path}`);
    });
}

describe("the OpenAPI document", () => {
  test("is OpenAPI 3.1 with a license and one server that is right behind any proxy", () => {
    expect(openapi.openapi).toMatch(/^3\.1\.\d+$/);
    expect(openapi.info).toMatchObject({
      title: "Rowmill",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      license: { name: "MIT" },
      contact: expect.anything(),
    });
    expect(openapi.servers).toEqual([{ url: "/" }]);
    expect(operations.length).toBeGreaterThan(90);
    expect(wrong((_, path) => !path.startsWith("/") || /.\/$/.test(path))).toEqual([]);
    const methods = Object.values(openapi.paths).flatMap((path) => Object.keys(path));
    expect(methods.filter((method) => !/^(get|put|post|delete|patch)$/.test(method))).toEqual([]);
  });

  test("has only valid JSON Schemas", () => {
    const ajv = new Ajv2020({ strict: false });
    const schemas = [
      ...Object.values(openapi.components.schemas),
      ...[...objectsIn(openapi.paths)].flatMap(({ schema }) => (schema ? [schema] : [])),
    ];
    expect(schemas.length).toBeGreaterThan(Object.keys(openapi.components.schemas).length);
    const invalid = schemas.filter((schema) => !ajv.validateSchema(schema as object));
    expect(invalid).toEqual([]);
  });

  test("has no reference that leads nowhere", () => {
    const references = [...objectsIn(openapi)].flatMap(({ $ref }) =>
      typeof $ref === "string" ? [$ref] : [],
    );
    expect(references.length).toBeGreaterThan(0);
    const dangling = references.filter((ref) => !ref.startsWith("#/") || resolve(openapi, ref) === undefined);
    expect(dangling).toEqual([]);
  });

  test("has every route that is served, and no other", () => {
    const served = servedRoutes().filter(
      (route) => !/^HEAD|^\w+ \/(docs|openapi\.json|api\/(docs|redoc|schema))/.test(route),
    );
    expect(served.length).toBeGreaterThan(90);
    expect(operations.map(({ name }) => name).sort()).toEqual(served.sort());
  });

  test("has no schema with the name of a global type of TypeScript", () => {
    const names = Object.keys(openapi.components.schemas);
    expect(names).toEqual(expect.arrayContaining(["SavedRecord", "StoredFile", "UploadedBatch"]));
    expect(names.filter((name) => name in globalThis || name === "Record")).toEqual([]);
  });

  test("has the type of every enum", () => {
    const enums = [...objectsIn(openapi)].filter((schema) => Array.isArray(schema.enum));
    expect(enums.length).toBeGreaterThan(80);
    expect(enums.filter(({ type }) => typeof type !== "string")).toEqual([]);
  });

  test("describes every tag, and explains the tag of every operation", () => {
    expect(openapi.tags.filter(({ description }) => !description)).toEqual([]);
    const known = new Set(openapi.tags.map(({ name }) => name));
    expect(wrong(({ tags = [] }) => tags.length !== 1 || !tags.every((tag) => known.has(tag)))).toEqual([]);
  });
});

describe("answers", () => {
  test("have a status and a description", () => {
    expect(wrong(({ responses }) => Object.keys(responses).length === 0)).toEqual([]);
    const vague = wrong(({ responses }) =>
      Object.entries(responses).some(([status, response]) => {
        const { description } = follow(openapi, response);
        return !/^[1-5]\d\d$/.test(status) || !description || description === "Default Response";
      }),
    );
    expect(vague).toEqual([]);
  });

  test("of success have a body, except 204", () => {
    const unclear = wrong(({ responses }) => {
      const success = Object.entries(responses).filter(([status]) => status.startsWith("2"));
      return (
        success.length === 0 ||
        success.some(
          ([status, { content }]) =>
            status !== "204" && !Object.values(content ?? {}).some(({ schema }) => schema !== undefined),
        )
      );
    });
    expect(unclear).toEqual([]);
  });

  test("of errors are shared problem documents, one per status", () => {
    const own = wrong(({ responses }) => {
      const errors = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      return (
        errors.length === 0 ||
        errors.some(([, { $ref }]) => !$ref?.startsWith("#/components/responses/")) ||
        new Set(errors.map(([, { $ref }]) => $ref)).size !== errors.length
      );
    });
    expect(own).toEqual([]);
    const { responses } = openapi.components;
    expect(Object.keys(responses)).toHaveLength(13);
    for (const [name, { content }] of Object.entries(responses)) {
      expect(content, name).toEqual({
        "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
      });
    }
  });

  test("document the id of the request, except where Node.js itself refuses it", () => {
    const without = operations.flatMap(({ name, operation: { responses } }) =>
      Object.entries(responses)
        .filter(([, response]) => !("x-request-id" in (follow(openapi, response).headers ?? {})))
        .map(([status]) => `${name} ${status}`),
    );
    expect(without).toEqual(operations.map(({ name }) => `${name} 431`));
  });

  test("have headers with a schema", () => {
    const headers = operations.flatMap(({ operation: { responses } }) =>
      Object.values(responses).flatMap(({ headers = {} }) => Object.values(headers)),
    );
    expect(headers.length).toBeGreaterThan(90);
    const invalid = headers.filter((header: { $ref?: string; schema?: { type?: string } }) => {
      const { schema } = follow(openapi, header);
      return typeof schema?.type !== "string" || "schema" in schema;
    });
    expect(invalid).toEqual([]);
  });
});
