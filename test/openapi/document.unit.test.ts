import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, test } from "vitest";
import { CONSOLE_PAGES } from "../../src/platform/http/console.ts";
import { follow, namesOf, objectsIn, operationsOf, readDocument, resolve } from "../support/document.ts";
import { describeClient, readTypes } from "../support/generated-client.ts";
import { createOfflineApp } from "../support/offline-app.ts";

const app = await createOfflineApp();
afterAll(() => app.close());
const openapi = await readDocument(app);
const operations = operationsOf(openapi);

const wrong = (isWrong: Parameters<typeof namesOf>[1]) => namesOf(operations, isWrong);

/** Method and path of every route that fastify serves, as the document writes them. */
function servedRoutes(): string[] {
  const parents: string[] = [];
  return app
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

test("HEAD is served wherever GET is", () => {
  const served = servedRoutes();
  const gets = served.filter((route) => route.startsWith("GET "));
  expect(gets.length).toBeGreaterThan(40);
  expect(gets.filter((route) => !served.includes(route.replace("GET", "HEAD")))).toEqual([]);
});

test("the schemas of all routes compile", () => {
  expect(app.compileSchemas).not.toThrow();
});

/** Routes that end with a wildcard are pages and files too. The table of routes leaves out parts of their paths. */
const PAGES = new RegExp(
  `^GET (.+\\*|/(docs|openapi\\.json|reset-password|icon\\.svg|api/(docs|redoc|schema)).*|/(${CONSOLE_PAGES.join("|")})?` +
    "|/(login|register|takebook|mybook|editbook)(\\.html|/{id})?)$",
);

describe("the OpenAPI document", () => {
  test("the OpenAPI document is OpenAPI 3.1 with a license and one server that is right behind any proxy", () => {
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

  test("the OpenAPI document has only valid JSON Schemas", () => {
    const ajv = new Ajv2020({ strict: false });
    const schemas = [
      ...Object.values(openapi.components.schemas),
      ...[...objectsIn(openapi.paths)].flatMap(({ schema }) =>
        // Examples of definitions have a field `schema` as well.
        typeof schema === "object" ? [schema] : [],
      ),
    ];
    expect(schemas.length).toBeGreaterThan(Object.keys(openapi.components.schemas).length);
    const invalid = schemas.filter((schema) => !ajv.validateSchema(schema as object));
    expect(invalid).toEqual([]);
  });

  test("no reference in the OpenAPI document leads nowhere", () => {
    const references = [...objectsIn(openapi)].flatMap(({ $ref }) =>
      typeof $ref === "string" ? [$ref] : [],
    );
    expect(references.length).toBeGreaterThan(0);
    const dangling = references.filter((ref) => !ref.startsWith("#/") || resolve(openapi, ref) === undefined);
    expect(dangling).toEqual([]);
  });

  test("the OpenAPI document has every route that is served, and no other", () => {
    const served = servedRoutes().filter((route) => !route.startsWith("HEAD ") && !PAGES.test(route));
    expect(served.length).toBeGreaterThan(90);
    expect(operations.map(({ name }) => name).sort()).toEqual(served.sort());
  });

  test("no schema of the OpenAPI document has the name of a global type of TypeScript", () => {
    const names = Object.keys(openapi.components.schemas);
    expect(names).toEqual(expect.arrayContaining(["SavedRecord", "StoredFile", "UploadedBatch"]));
    expect(names.filter((name) => name in globalThis || name === "Record")).toEqual([]);
  });

  test("every enum in the OpenAPI document has a type", () => {
    const enums = [...objectsIn(openapi)].filter((schema) => Array.isArray(schema.enum));
    expect(enums.length).toBeGreaterThan(80);
    expect(enums.filter(({ type }) => typeof type !== "string")).toEqual([]);
  });

  test("every operation has one tag, and the OpenAPI document describes it", () => {
    expect(openapi.tags.filter(({ description }) => !description)).toEqual([]);
    const known = new Set(openapi.tags.map(({ name }) => name));
    expect(wrong(({ tags = [] }) => tags.length !== 1 || !tags.every((tag) => known.has(tag)))).toEqual([]);
  });
});

test("src/client/api.ts belongs to the present OpenAPI document; if not, run `npm run client`", () => {
  expect(readTypes().split("\n")[0]).toBe(describeClient(openapi).firstLine);
});

describe("answers", () => {
  test("every documented answer has a status and a description", () => {
    expect(wrong(({ responses }) => Object.keys(responses).length === 0)).toEqual([]);
    const vague = wrong(({ responses }) =>
      Object.entries(responses).some(([status, response]) => {
        const { description } = follow(openapi, response);
        return !/^[1-5]\d\d$/.test(status) || !description || description === "Default Response";
      }),
    );
    expect(vague).toEqual([]);
  });

  test("every documented success has a body, except 204", () => {
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

  test("documented errors share one problem document per status", () => {
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
    expect(Object.keys(responses)).toHaveLength(14);
    for (const [name, { content }] of Object.entries(responses)) {
      expect(content, name).toEqual({
        "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
      });
    }
  });

  test("every documented answer has the request id, except 431, which Node.js itself sends", () => {
    const without = operations.flatMap(({ name, operation: { responses } }) =>
      Object.entries(responses)
        .filter(([, response]) => !("x-request-id" in (follow(openapi, response).headers ?? {})))
        .map(([status]) => `${name} ${status}`),
    );
    expect(without).toEqual(operations.map(({ name }) => `${name} 431`));
  });

  test("every documented header has a schema", () => {
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
