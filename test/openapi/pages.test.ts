import { beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
let openapi: object;
beforeAll(async () => {
  openapi = (await rowmill.client.get("/openapi.json")).body;
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
  test.each([name, `${name}/`])("%s serves a page of the document with all of its parts", async (path) => {
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
  });

  test(`the content security policy of ${name} allows its own scripts and calls`, async () => {
    const page = await fetch(rowmill.url + name);
    const policy = directives(page.headers.get("content-security-policy") ?? "");
    expect(policy.get("script-src")).toContain("'self'");
    expect(policy.get("script-src")).not.toContain("'unsafe-inline'");
    expect(policy.get("style-src")).toContain("'self'");
    expect(policy.get("connect-src") ?? policy.get("default-src")).toContain("'self'");
    const inline = (await page.text()).match(/<script(?![^>]*\bsrc=)[^>]*>/g) ?? [];
    expect(inline).toEqual([]);
  });

  test(`${name} does not send the browser to https for its scripts if the service speaks http`, async () => {
    const page = await fetch(rowmill.url + name);
    const policy = directives(page.headers.get("content-security-policy") ?? "");
    expect([...policy.keys()]).not.toContain("upgrade-insecure-requests");
  });
});

describe("the document as a file", () => {
  test.each(["/docs/json", "/api/docs/json", "/api/schema", "/api/schema/", "/api/schema/?format=json"])(
    "%s serves the same document",
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
    ["format, despite Accept,", "/api/schema/?format=yaml", { accept: "application/json" }],
  ])("the document is YAML if %s asks for it", async (_, path, headers) => {
    const response = await fetch(rowmill.url + path, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/yaml/);
    expect(parseYaml(await response.text())).toEqual(openapi);
  });

  test.each(["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "text/html"])(
    "the document is JSON for clients that accept %s",
    async (accept) => {
      const response = await fetch(`${rowmill.url}/api/schema/`, { headers: { accept } });
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    },
  );

  test("an unknown format of the document is refused", async () => {
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
