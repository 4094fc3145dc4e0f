import { afterAll, describe, expect, test } from "vitest";
import {
  isPublic,
  namesOf,
  type Operation,
  objectsIn,
  operationsOf,
  readDocument,
} from "../support/document.ts";
import { createOfflineApp } from "../support/offline-app.ts";
import { OPERATION_IDS } from "./operation-ids.ts";

/** A client without a token calls these. */
const PUBLIC = [
  "GET /api/public",
  "GET /api/v1/confirm-email",
  "GET /api/v1/unsubscribe",
  "GET /livez",
  "GET /media/books/{name}",
  "GET /readyz",
  "POST /api/login",
  "POST /api/register",
  "POST /api/users/login",
  "POST /api/users/register",
  "POST /api/users/token/refresh",
  "POST /api/v1/auth/browser/login",
  "POST /api/v1/auth/browser/refresh",
  "POST /api/v1/auth/browser/signup",
  "POST /api/v1/auth/login",
  "POST /api/v1/auth/logout",
  "POST /api/v1/auth/password-reset",
  "POST /api/v1/auth/password-reset/confirm",
  "POST /api/v1/auth/refresh",
  "POST /api/v1/auth/signup",
  "POST /api/v1/confirm-email",
  "POST /api/v1/unsubscribe",
  "POST /login",
  "POST /signup",
];

const app = await createOfflineApp();
afterAll(() => app.close());
const openapi = await readDocument(app);
const operations = operationsOf(openapi);

const wrong = (isWrong: Parameters<typeof namesOf>[1]) => namesOf(operations, isWrong);

describe("operations", () => {
  test("operations have the committed ids, each one once", () => {
    const ids = Object.fromEntries(operations.map(({ name, operation }) => [name, operation.operationId]));
    expect(ids).toEqual(OPERATION_IDS);
    const names = Object.values(OPERATION_IDS);
    expect(names).toEqual([...new Set(names)]);
    expect(names.filter((name) => !/^[a-z]+([A-Z][a-z]+)*$/.test(name))).toEqual([]);
  });

  test("operations of replaced services have ids that begin with legacy", () => {
    const isLegacy = ({ tags = [] }: Operation) => tags.includes("legacy");
    expect(wrong((operation) => isLegacy(operation))).toHaveLength(34);
    expect(
      wrong((operation) => isLegacy(operation) !== /^legacy[A-Z]/.test(operation.operationId ?? "")),
    ).toEqual([]);
  });

  test("every operation has a summary and a description", () => {
    expect(wrong(({ summary }) => !/^[A-Z][^.]+$/.test(summary ?? ""))).toEqual([]);
    expect(wrong(({ description }) => !/^[A-Z`"][\s\S]+\.$/.test(description ?? ""))).toEqual([]);
  });

  test("every operation declares each parameter of its path", () => {
    const undeclared = wrong(({ parameters = [] }, path) => {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
      const declared = parameters.filter((parameter) => parameter.in === "path");
      return (
        declared.some(({ required }) => required !== true) ||
        declared
          .map(({ name }) => name)
          .sort()
          .join() !== inPath.join()
      );
    });
    expect(undeclared).toEqual([]);
  });

  test("every parameter and every field of a body has a description", () => {
    const fields = operations.flatMap(({ name, operation: { parameters = [], requestBody } }) => [
      ...parameters.map((parameter) => ({ field: `${name} ${parameter.name}`, ...parameter })),
      ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) =>
        Object.entries((schema?.properties ?? {}) as Record<string, { description?: string }>).map(
          ([field, { description }]) => ({ field: `${name} ${field}`, description }),
        ),
      ),
    ]);
    expect(fields.length).toBeGreaterThan(200);
    expect(fields.filter(({ description }) => !description).map(({ field }) => field)).toEqual([]);
  });

  test("no operation requires a parameter that has a default", () => {
    const demanded = wrong(({ parameters = [] }) =>
      parameters.some(({ required, schema }) => required === true && schema.default !== undefined),
    );
    expect(demanded).toEqual([]);
  });

  test("no operation requires a field of a body that has a default", () => {
    const demanded = wrong(({ requestBody }) =>
      [...objectsIn(requestBody)].some(({ required, properties }) =>
        Object.entries((properties ?? {}) as Record<string, object>).some(
          ([field, schema]) => Array.isArray(required) && required.includes(field) && "default" in schema,
        ),
      ),
    );
    expect(demanded).toEqual([]);
  });
});

describe("security", () => {
  test("every operation accepts four kinds of credentials, except public operations", () => {
    const ways = openapi.security.flatMap((way) => Object.keys(way));
    expect(ways.sort()).toEqual(["basic", "bearer", "cookie", "token"]);
    expect(Object.keys(openapi.components.securitySchemes).sort()).toEqual(ways);
    expect(wrong(isPublic).sort()).toEqual(PUBLIC);
    // The others have the security of the whole document.
    expect(wrong((operation) => !isPublic(operation) && operation.security !== undefined)).toEqual([]);
  });

  test("every operation with security documents 401, and 429 because passwords can be guessed", () => {
    const protectedOnes = operations.filter(({ operation }) => !isPublic(operation));
    for (const { name, operation } of protectedOnes) {
      expect(Object.keys(operation.responses), name).toEqual(expect.arrayContaining(["401", "429"]));
    }
  });
});

describe("bodies", () => {
  test("the body of a book is JSON, or a form with its picture", () => {
    const bodies = operations.filter(({ name }) =>
      /^(POST|PATCH) (\/api\/v1)?\/books(\/\{id\}(\/edit)?)?$/.test(name),
    );
    expect(bodies).toHaveLength(4);
    for (const { name, operation } of bodies) {
      const content = operation.requestBody?.content ?? {};
      for (const mediaType of ["application/json", "multipart/form-data"]) {
        const fields = Object.keys(content[mediaType]?.schema?.properties ?? {});
        expect(fields, `${name} as ${mediaType}`).toEqual(["title", "author", "description", "picture"]);
      }
      expect(content["multipart/form-data"]?.schema?.properties?.picture?.format).toBe("binary");
    }
  });

  test("the body of an upload is a form whose last field is the file", () => {
    const uploads = operations.filter(({ name }) =>
      /^POST (\/api\/v1\/(batches|files|batches\/\{batch_id\}\/corrections)|\/bulk-upload|\/upload)$/.test(
        name,
      ),
    );
    expect(uploads).toHaveLength(5);
    for (const { name, operation } of uploads) {
      const { schema } = operation.requestBody?.content["multipart/form-data"] ?? {};
      expect(Object.keys(schema?.properties ?? {}).at(-1), name).toBe("file");
      expect(schema?.required, name).toEqual(["file"]);
    }
  });

  test("the form of a CSV upload has every option of the query, with room for longer values", () => {
    const { parameters = [], requestBody } = openapi.paths["/api/v1/batches"]?.post ?? {};
    const fields = requestBody?.content["multipart/form-data"]?.schema?.properties ?? {};
    const options = parameters.filter((parameter) => parameter.in === "query");
    expect(options.length).toBeGreaterThan(10);
    expect(Object.keys(fields)).toEqual([...options.map(({ name }) => name), "file"]);
    for (const name of ["mapping", "columns"]) {
      expect(options.find((option) => option.name === name)?.schema.maxLength).toBe(8000);
      expect(fields[name]?.maxLength).toBe(100_000);
    }
  });
});
