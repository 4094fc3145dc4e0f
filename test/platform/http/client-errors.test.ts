import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

/** Sends bytes that may not be HTTP, and returns the answer until the server closes the connection. */
async function answerTo(bytes: string): Promise<{ head: string; body: Problem }> {
  const socket = connect(Number(new URL(rowmill.url).port), "127.0.0.1");
  socket.end(bytes);
  const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
  return { head, body: JSON.parse(body) };
}

test("a request with a URL that is too long gets 431 as a documented problem document", async () => {
  const { status, headers, body } = await rowmill.client.post<Problem>(
    `/api/v1/batches?mapping=${"x".repeat(17_000)}`,
  );
  expect(status).toBe(431);
  expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({ status: 431, code: "too_large", field_errors: {} });
  expect(body.detail).toContain("form fields");
  expect(body.error).toBe(body.detail);
});

test("a request that is not HTTP gets 400 as a problem document", async () => {
  const { head, body } = await answerTo("no HTTP\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(head).toContain("Content-Type: application/problem+json");
  expect(head).toContain("content-security-policy: default-src 'none'");
  expect(body).toMatchObject({ status: 400, code: "invalid_input" });
});

test("a mapping of 8,000 characters fits into the query, a longer one into the form", async () => {
  const user = await rowmill.newUser();
  const mapping = (length: number) => JSON.stringify({ title: "title" }).padEnd(length);
  const upload = (query: string, form: Record<string, string>) =>
    user.form<Problem>("POST", `/api/v1/batches${query}`, {
      ...form,
      file: Buffer.from("title,author\nEmma,Jane Austen\n"),
    });
  expect((await upload(`?mapping=${mapping(8000).replaceAll(" ", "+")}`, {})).status).toBe(202);
  const inQuery = await upload(`?mapping=${mapping(8001).replaceAll(" ", "+")}`, {});
  expect([inQuery.status, Object.keys(inQuery.body.field_errors)]).toEqual([400, ["mapping"]]);
  expect((await upload("", { mapping: mapping(20_000), force: "true" })).status).toBe(202);
  const inForm = await upload("", { mapping: mapping(100_001) });
  expect([inForm.status, Object.keys(inForm.body.field_errors)]).toEqual([400, ["mapping"]]);
});
