import { describe, expect, test } from "vitest";
import type { Problem } from "../support/client.ts";
import { isPublic, operationsOf, readDocument } from "../support/document.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

test("every operation that declares security answers 401 without a token", async () => {
  const open: string[] = [];
  for (const { name, method, path, operation } of operationsOf(await readDocument(rowmill.app))) {
    if (isPublic(operation)) continue;
    const { status } = await rowmill.client.send(method, path.replace(/\{\w+\}/g, "1"));
    if (status !== 401) open.push(`${name} answered ${status}`);
  }
  expect(open).toEqual([]);
});

describe("paths", () => {
  test.each([
    ["GET", "/nowhere"],
    ["POST", "/api/v1/nowhere?token=1"],
  ])("a path that does not exist answers a problem document: %s %s", async (method, path) => {
    const { status, headers, body } = await rowmill.client.send<Problem>(method, path);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ status: 404, code: "not_found", title: "Not Found", field_errors: {} });
    expect(body.detail).toBe(`No endpoint ${method} ${path.split("?")[0]}. /docs lists all endpoints.`);
    expect(body.error).toBe(body.detail);
  });

  test("a path that is too long or malformed answers a problem document", async () => {
    const long = await rowmill.client.get<Problem>(`/api/v1/batches/${"x".repeat(101)}`);
    expect([long.status, long.body.code]).toEqual([404, "not_found"]);
    const broken = await rowmill.client.get<Problem>("/api/v1/targets/%zz");
    expect([broken.status, broken.body.code]).toEqual([400, "invalid_input"]);
    for (const { headers } of [long, broken]) {
      expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    }
  });

  test("the operations of the replaced services are found with and without a slash at the end", async () => {
    const { client, app } = rowmill;
    const legacy = operationsOf(await readDocument(app)).filter(({ operation }) =>
      operation.tags?.includes("legacy"),
    );
    expect(legacy.length).toBeGreaterThan(20);
    for (const { method, path } of legacy) {
      const bare = path.replace(/\{\w+\}/g, "1").replace(/\/$/, "");
      const [without, withSlash] = [await client.send(method, bare), await client.send(method, `${bare}/`)];
      expect([bare, without.status]).not.toEqual([bare, 404]);
      expect([bare, withSlash.status]).toEqual([bare, without.status]);
    }
  });
});
