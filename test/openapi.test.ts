import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import type { Problem } from "./support/client.ts";
import { type Rowmill, startRowmill } from "./support/rowmill.ts";

interface Media {
  schema?: { $ref?: string; properties?: Record<string, { examples?: unknown[]; format?: string }> };
  example?: unknown;
  examples?: object;
}

interface Operation {
  tags?: string[];
  summary?: string;
  operationId?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean; schema: { default?: unknown } }[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, { description?: string; content?: Record<string, Media> }>;
}

interface Document {
  openapi: string;
  info: { title: string; version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

/** Whoever has no token yet must be able to call these. */
const PUBLIC = [
  "GET /livez",
  "GET /media/books/{name}",
  "GET /readyz",
  "POST /api/users/login",
  "POST /api/users/register",
  "POST /api/users/token/refresh",
  "POST /api/v1/auth/login",
  "POST /api/v1/auth/logout",
  "POST /api/v1/auth/refresh",
  "POST /api/v1/auth/signup",
  "POST /login",
  "POST /signup",
];

let rowmill: Rowmill;
let openapi: Document;
let operations: { name: string; path: string; operation: Operation }[];

beforeAll(async () => {
  rowmill = await startRowmill();
  openapi = (await rowmill.client.get<Document>("/openapi.json")).body;
  operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${withoutSlash(path)}`,
      path,
      operation,
    })),
  );
});
afterAll(() => rowmill[Symbol.asyncDispose]());

const withoutSlash = (path: string) => path.replace(/(?<=.)\/$/, "");

/** The names of the operations that `isWrong` holds for: none, if all is well. */
function wrong(isWrong: (operation: Operation, path: string, name: string) => boolean): string[] {
  return operations
    .filter(({ operation, path, name }) => isWrong(operation, path, name))
    .map(({ name }) => name);
}

/** Every object in a JSON value. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

function resolvePointer(pointer: string): unknown {
  return pointer
    .slice(2)
    .split("/")
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], openapi);
}

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
      const path = parents.join("").replace(/:(\w+)/g, "{$1}");
      return (methods ?? "").split(", ").map((method) => `${method} ${withoutSlash(path)}`);
    });
}

describe("the OpenAPI document", () => {
  test("is OpenAPI 3.1", () => {
    expect(openapi.openapi).toMatch(/^3\.1\.\d+$/);
    expect(openapi.info).toMatchObject({
      title: "Rowmill",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect(operations.length).toBeGreaterThan(0);
    expect(wrong((_, path) => !path.startsWith("/"))).toEqual([]);
    const methods = Object.values(openapi.paths).flatMap((path) => Object.keys(path));
    expect(methods.filter((method) => !/^(get|put|post|delete|patch)$/.test(method))).toEqual([]);
  });

  test("describes every answer", () => {
    expect(wrong(({ responses }) => Object.keys(responses).length === 0)).toEqual([]);
    expect(
      wrong(({ responses }) =>
        Object.entries(responses).some(
          ([status, { description }]) => !/^[1-5]\d\d$/.test(status) || !description,
        ),
      ),
    ).toEqual([]);
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
    const dangling = references.filter((ref) => !ref.startsWith("#/") || resolvePointer(ref) === undefined);
    expect(dangling).toEqual([]);
  });

  test("declares each parameter of a path, and no operation id twice", () => {
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
    const ids = operations.flatMap(({ operation }) => operation.operationId ?? []);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test("has every route that is served, and no other", () => {
    const served = servedRoutes().filter(
      (route) => !/^HEAD|^\w+ \/(docs|openapi\.json|api\/(docs|redoc|schema))/.test(route),
    );
    expect(served.length).toBeGreaterThan(15);
    expect(operations.map(({ name }) => name).sort()).toEqual(served.sort());
  });

  test("gives every operation a summary and a tag that is explained", () => {
    const known = new Set(openapi.tags.map(({ name }) => name));
    expect(wrong(({ summary }) => !summary)).toEqual([]);
    expect(wrong(({ tags = [] }) => tags.length !== 1 || !tags.every((tag) => known.has(tag)))).toEqual([]);
  });

  test("tells what success looks like", () => {
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

  test("tells every error as a problem document", () => {
    const others = wrong(({ responses }) => {
      const errors = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      return (
        errors.length === 0 ||
        errors.some(
          ([, { content = {} }]) =>
            Object.keys(content).join() !== "application/problem+json" ||
            content["application/problem+json"]?.schema?.$ref !== "#/components/schemas/Problem",
        )
      );
    });
    expect(others).toEqual([]);
  });

  test("declares what is protected, and how", () => {
    expect(wrong(({ security }) => !security).sort()).toEqual(PUBLIC);
    const schemes = new Set(Object.keys(openapi.components.securitySchemes));
    const unknown = wrong(({ security = [] }) =>
      security.some((way) => Object.keys(way).some((scheme) => !schemes.has(scheme))),
    );
    expect(unknown).toEqual([]);
    expect(wrong(({ security, responses }) => security !== undefined && !responses["401"])).toEqual([]);
    const ways = ["basic", "bearer", "cookie", "token"];
    const fewer = wrong(({ security }) => {
      const named = new Set(security?.flatMap((way) => Object.keys(way)));
      return security !== undefined && !ways.every((way) => named.has(way));
    });
    expect(fewer).toEqual([]);
    // Any of them may come with a password that can be guessed.
    expect(wrong(({ security, responses }) => security !== undefined && !responses["429"])).toEqual([]);
  });

  test("protects what it declares to", async () => {
    const open: string[] = [];
    for (const { name, path, operation } of operations) {
      if (!operation.security) continue;
      const [method = ""] = name.split(" ");
      const { status } = await rowmill.client.send(method, path.replace(/\{\w+\}/g, "1"));
      if (status !== 401) open.push(`${name} answered ${status}`);
    }
    expect(open).toEqual([]);
  });

  test("does not demand a parameter that has a default", () => {
    const demanded = wrong(({ parameters = [] }) =>
      parameters.some(({ required, schema }) => required === true && schema.default !== undefined),
    );
    expect(demanded).toEqual([]);
  });

  test("does not demand a field of a body that has a default", () => {
    const demanded = wrong(({ requestBody }) =>
      [...objectsIn(requestBody)].some(({ required, properties }) =>
        Object.entries((properties ?? {}) as Record<string, object>).some(
          ([field, schema]) => Array.isArray(required) && required.includes(field) && "default" in schema,
        ),
      ),
    );
    expect(demanded).toEqual([]);
  });

  test("shows an example of every field that the auth routes take", () => {
    const takesAccounts = /^POST (\/api\/v1\/auth\/\w+|\/login|\/signup|\/api\/users\/.+)$/;
    const bodies = operations
      .filter(({ name }) => takesAccounts.test(name))
      .map(({ name, operation }) => ({
        name,
        media: operation.requestBody?.content["application/json"] ?? {},
      }));
    expect(bodies).toHaveLength(10);
    const without = bodies
      .filter(({ media }) => {
        const fields = Object.values(media.schema?.properties ?? {});
        const hasExamples = fields.length > 0 && fields.every(({ examples = [] }) => examples.length > 0);
        return !(media.example || media.examples || hasExamples);
      })
      .map(({ name }) => name);
    expect(without).toEqual([]);
  });

  test("says what a book is made of, in JSON and in a form with its picture", () => {
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

  test("says where a file goes in an upload", () => {
    const uploads = operations.filter(({ name }) => /^POST (\/api\/v1\/batches|\/bulk-upload)$/.test(name));
    expect(uploads).toHaveLength(2);
    for (const { name, operation } of uploads) {
      const form = operation.requestBody?.content["multipart/form-data"];
      expect(Object.keys(form?.schema?.properties ?? {}), name).toContain("file");
    }
  });
});

/** The URLs of what a page loads. */
async function partsOf(page: Response): Promise<URL[]> {
  const found = (await page.text()).matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="([^"]+)"/g);
  return [...found].map(([, part = ""]) => new URL(part, page.url));
}

describe.each([
  { name: "/docs", mark: 'id="swagger-ui"', bundle: "/docs/static/swagger-ui-bundle.js" },
  { name: "/api/docs", mark: 'id="swagger-ui"', bundle: "/api/docs/static/swagger-ui-bundle.js" },
  { name: "/api/redoc", mark: '<redoc spec-url="/openapi.json">', bundle: "/api/redoc/redoc.standalone.js" },
])("$name", ({ name, mark, bundle }) => {
  test.each([name, `${name}/`])(
    "serves a page of the document, with all of its parts, from %s",
    async (path) => {
      const page = await fetch(rowmill.url + path);
      expect(page.status).toBe(200);
      expect(page.headers.get("content-type")).toMatch(/^text\/html/);
      expect(await page.clone().text()).toContain(mark);
      const parts = await partsOf(page);
      expect(parts.map(({ pathname }) => pathname)).toContain(bundle);
      for (const part of parts) {
        expect(part.origin).toBe(rowmill.url);
        const response = await fetch(part);
        expect(response.status, part.pathname).toBe(200);
        if (part.pathname.endsWith(".js")) {
          expect(response.headers.get("content-type"), part.pathname).toMatch(/javascript/);
        }
        expect((await response.arrayBuffer()).byteLength, part.pathname).toBeGreaterThan(0);
      }
    },
  );

  test("has a content security policy that lets its own scripts and calls through", async () => {
    const page = await fetch(rowmill.url + name);
    const policy = directives(page.headers.get("content-security-policy") ?? "");
    expect(policy.get("script-src")).toContain("'self'");
    expect(policy.get("script-src")).not.toContain("'unsafe-inline'");
    expect(policy.get("style-src")).toContain("'self'");
    expect(policy.get("connect-src") ?? policy.get("default-src")).toContain("'self'");
    const inline = (await page.text()).match(/<script(?![^>]*\bsrc=)[^>]*>/g) ?? [];
    expect(inline).toEqual([]);
  });

  test("does not send the browser to https for its scripts where the service speaks http", async () => {
    const page = await fetch(rowmill.url + name);
    const policy = directives(page.headers.get("content-security-policy") ?? "");
    expect([...policy.keys()]).not.toContain("upgrade-insecure-requests");
  });
});

describe("the document as a file", () => {
  test.each(["/docs/json", "/api/docs/json", "/api/schema", "/api/schema/", "/api/schema/?format=json"])(
    "is the same at %s",
    async (path) => {
      const response = await fetch(rowmill.url + path);
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
      expect(await response.json()).toEqual(openapi);
    },
  );

  test.each<[string, string, Record<string, string>]>([
    ["Accept", "/api/schema/", { accept: "application/yaml" }],
    ["Accept, with JSON behind it", "/api/schema", { accept: "application/json;q=0.5, application/yaml" }],
    ["format", "/api/schema/?format=yaml", {}],
    ["format, whatever Accept asks for", "/api/schema/?format=yaml", { accept: "application/json" }],
  ])("is YAML where %s asks for it", async (_, path, headers) => {
    const response = await fetch(rowmill.url + path, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/yaml/);
    expect(parseYaml(await response.text())).toEqual(openapi);
  });

  test.each(["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "text/html"])(
    "is JSON for who accepts %s",
    async (accept) => {
      const response = await fetch(`${rowmill.url}/api/schema/`, { headers: { accept } });
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    },
  );

  test("has no other formats", async () => {
    const response = await fetch(`${rowmill.url}/api/schema/?format=xml`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      field_errors: { format: [expect.stringContaining("yaml")] },
    });
  });
});

function directives(policy: string): Map<string, string[]> {
  return new Map(
    policy
      .split(";")
      .map((directive) => directive.trim().split(/\s+/))
      .map(([name = "", ...sources]) => [name, sources]),
  );
}

describe("paths", () => {
  test.each([
    ["GET", "/nowhere"],
    ["POST", "/api/v1/nowhere?token=1"],
    ["DELETE", "/livez"],
  ])("that do not exist answer a problem document: %s %s", async (method, path) => {
    const { status, headers, body } = await rowmill.client.send<Problem>(method, path);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ status: 404, code: "not_found", title: "Not Found", field_errors: {} });
    expect(body.detail).toBe(`There is no ${method} ${path.split("?")[0]}. See /docs for what there is.`);
    expect(body.error).toBe(body.detail);
  });

  test("that are too long, or can't be read, answer a problem document", async () => {
    const long = await rowmill.client.get<Problem>(`/api/v1/batches/${"x".repeat(101)}`);
    expect([long.status, long.body.code]).toEqual([404, "not_found"]);
    const broken = await rowmill.client.get<Problem>("/api/v1/targets/%zz");
    expect([broken.status, broken.body.code]).toEqual([400, "invalid_input"]);
    for (const { headers } of [long, broken]) {
      expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    }
  });

  test("of the replaced services work with and without a slash at the end", async () => {
    await rowmill.startWorker();
    const password = "correct horse";
    for (const slash of ["", "/"]) {
      const username = `legacy user ${slash}`;
      expect((await rowmill.client.post(`/signup${slash}`, { username, password })).status).toBe(201);
      expect((await rowmill.client.post(`/login${slash}`, { username, password })).status).toBe(200);

      const user = await rowmill.newUser();
      const uploaded = await user.upload<{ batch_id: string; task_ids: string[] }>(
        "title,author\nEmma,Jane Austen\n",
        `/bulk-upload${slash}`,
      );
      expect(uploaded.status).toBe(202);
      const { batch_id, task_ids } = uploaded.body;
      await user.finished(batch_id);
      expect((await user.get(`/task-status${slash}?task_id=${task_ids[0]}`)).status).toBe(200);
      expect((await user.get(`/batch-status${slash}?batch_id=${batch_id}`)).status).toBe(200);

      const books = await user.get<{ id: number }[]>(`/books${slash}`);
      expect(books.status).toBe(200);
      expect((await user.get(`/books/${books.body[0]?.id}${slash}`)).status).toBe(200);
    }
  });
});
