import { expect, test } from "vitest";
import { AUTH, PASSWORD } from "../../support/auth.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { TRUST_PROXY: "loopback" } });
const user = useUser(rowmill, "ada");

test("private answers are stored in no cache", async () => {
  const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
  const { body: book } = await user.post("/api/v1/books", { title: "Persuasion", author: "Jane Austen" });
  const { body: task } = await user.post("/api/v1/tasks", { type: "generic" });
  const answers = [
    await user.post(`${AUTH}/login`, { username: "ada", password: PASSWORD }),
    await user.post(`${AUTH}/login`, { username: "ada", password: "wrong horse" }),
    await user.post(`${AUTH}/refresh`, { refresh: user.refresh }),
    await user.post(`${AUTH}/tokens`, { name: "a token" }),
    ...(await Promise.all(
      [
        ...["auth/me", "auth/tokens", "batches", `batches/${batch.id}`, `batches/${batch.id}/rows`],
        ...["books", `books/${book.id}`, "tasks", `tasks/${task.id}`, "files", "records", "no-such-route"],
      ].map((path) => user.get(`/api/v1/${path}`)),
    )),
  ];
  expect(answers.map(({ headers }) => headers.get("cache-control"))).toEqual(answers.map(() => "no-store"));
});

test("a version in If-None-Match still answers 304", async () => {
  const { body } = await user.upload("title,author\nSanditon,Jane Austen\n");
  const { headers } = await user.batch(body.id);
  const again = { "if-none-match": headers.get("etag") ?? "" };
  expect((await user.get(`/api/v1/batches/${body.id}`, again)).status).toBe(304);
});

test("Strict-Transport-Security is sent over https only", async () => {
  const plain = await user.get("/livez");
  expect(plain.headers.has("strict-transport-security")).toBe(false);
  const proxied = await user.get("/livez", { "x-forwarded-proto": "https" });
  expect(proxied.headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
  await using published = await startRowmill({ PUBLIC_URL: "https://rowmill.example.com" });
  expect((await published.client.get("/livez")).headers.has("strict-transport-security")).toBe(true);
});

test("an answer that a browser opens as a page loads nothing", async () => {
  for (const path of ["/livez", "/api/v1/batches", "/openapi.json", "/no-such-route", "/%zz"]) {
    const { headers } = await fetch(rowmill.url + path);
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  }
});

test.each(["/docs", "/api/docs", "/api/redoc/"])(
  "the policy of %s allows no other base, form or frame",
  async (path) => {
    const response = await fetch(rowmill.url + path);
    const policy = response.headers.get("content-security-policy") ?? "";
    for (const directive of [
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "object-src 'none'",
    ])
      expect(policy).toContain(directive);
  },
);
