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

  test("the paths of the replaced services work with and without a slash at the end", async () => {
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
