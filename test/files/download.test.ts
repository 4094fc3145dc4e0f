import { createHash, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { FILES, getContent, type StoredView, storedFile } from "../support/files.ts";
import { picture } from "../support/pictures.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const MiB = 2 ** 20;
const LENGTH = 3 * MiB + 500;

let file: StoredView;
let content: Buffer;
const rowmill = useRowmill();
const user = useUser(rowmill);
beforeAll(async () => {
  content = randomBytes(LENGTH);
  file = await storedFile(user, content, { name: "Größe 日本.bin" });
});

const get = (headers: Record<string, string> = {}) => getContent(user, file.id, headers);
const etagOf = (sent: Uint8Array) => `"${createHash("sha256").update(sent).digest("base64url")}"`;

test("a download is a private attachment that no browser executes", async () => {
  const { status, headers } = await get();
  expect(status).toBe(200);
  expect(Object.fromEntries(headers)).toMatchObject({
    "content-type": "application/octet-stream",
    "content-length": String(LENGTH),
    "content-disposition": expect.stringMatching(
      /^attachment; filename="[^"]+\.bin"; filename\*=UTF-8''Gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC\.bin$/,
    ),
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    etag: etagOf(content),
    "last-modified": new Date(file.created_at).toUTCString(),
  });
});

test("pages and scripts are sent unchanged as attachments", async () => {
  const html = "<html><script>alert(1)</script></html>";
  const page = await storedFile(user, html, { name: "x;.html" });
  const { headers, body } = await getContent(user, page.id);
  expect(body.toString()).toBe(html);
  expect(headers.get("content-type")).toMatch(/^text\/plain/);
  expect(headers.get("content-disposition")).toBe('attachment; filename="x;.html"');
});

test("HEAD has the headers of GET, also for a range", async () => {
  const path = `${FILES}/${file.id}/content`;
  const authorization = `Bearer ${user.token}`;
  const whole = await get();
  for (const range of [{}, { range: "bytes=0-9" }]) {
    const head = await fetch(rowmill.url + path, { method: "HEAD", headers: { authorization, ...range } });
    expect(head.status).toBe(200);
    for (const name of ["content-length", "content-type", "etag", "accept-ranges", "content-disposition"])
      expect([name, head.headers.get(name)]).toEqual([name, whole.headers.get(name)]);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  }
});

test("a download answers 304 if the ETag matches", async () => {
  const etag = etagOf(content);
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const { status, headers, body } = await get({ "if-none-match": tag, range: "bytes=0-1" });
    expect([tag, status, body.length, headers.get("etag")]).toEqual([tag, 304, 0, etag]);
  }
  expect((await get({ "if-none-match": '"other"' })).status).toBe(200);
});

describe("a range", () => {
  test.each<[string, number, number]>([
    ["bytes=0-0", 0, 1],
    ["bytes=0-99", 0, 100],
    ["bytes=100-", 100, LENGTH],
    ["bytes=-100", LENGTH - 100, LENGTH],
    [`bytes=-${LENGTH + 1}`, 0, LENGTH],
    [`bytes=${LENGTH - 1}-`, LENGTH - 1, LENGTH],
    [`bytes=10-${LENGTH * 2}`, 10, LENGTH],
    [`bytes=10-99999999999999999999`, 10, LENGTH],
    [`bytes=${MiB - 1}-${MiB}`, MiB - 1, MiB + 1],
    [`bytes=${MiB}-${2 * MiB - 1}`, MiB, 2 * MiB],
    [`bytes=5-${3 * MiB + 5}`, 5, 3 * MiB + 6],
    ["Bytes= 7-8 ", 7, 9],
  ])("the range %s returns that part", async (range, start, end) => {
    const { status, headers, body } = await get({ range });
    expect(status).toBe(206);
    expect(headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/${LENGTH}`);
    expect(headers.get("content-length")).toBe(String(end - start));
    expect(headers.get("etag")).toBe(etagOf(content));
    expect(body.equals(content.subarray(start, end))).toBe(true);
  });

  test.each([
    "bytes=0-1,5-6",
    "lines=0-1",
    "bytes=",
    "bytes=-",
    "bytes=5-2",
    "bytes=a-b",
    "bytes=0x1-2",
    "0-1",
  ])("the range %s returns the whole file", async (range) => {
    const { status, headers, body } = await get({ range });
    expect([status, headers.get("content-range")]).toEqual([200, null]);
    expect(body.equals(content)).toBe(true);
  });

  test.each([
    `bytes=${LENGTH}-`,
    `bytes=${LENGTH * 2}-${LENGTH * 3}`,
    "bytes=-0",
    "bytes=99999999999999999999-",
  ])("the range %s cannot be satisfied", async (range) => {
    const { status, headers, body } = await get({ range });
    expect([status, headers.get("content-range")]).toEqual([416, `bytes */${LENGTH}`]);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-disposition")).toBeNull();
    expect(JSON.parse(body.toString())).toMatchObject({ status: 416, code: "range_not_satisfiable" });
  });

  test("a range of an empty file cannot be satisfied", async () => {
    const empty = await storedFile(user, "");
    for (const range of ["bytes=0-", "bytes=-1", "bytes=0-0"])
      expect((await getContent(user, empty.id, { range })).status).toBe(416);
    expect((await getContent(user, empty.id)).status).toBe(200);
  });

  test("a range with If-Range applies only if the file is unchanged", async () => {
    const etag = etagOf(content);
    const modified = new Date(file.created_at).toUTCString();
    const range = "bytes=0-9";
    for (const condition of [etag, modified])
      expect([condition, (await get({ range, "if-range": condition })).status]).toEqual([condition, 206]);
    const others = ['"other"', `W/${etag}`, new Date(0).toUTCString(), new Date().toUTCString(), "nonsense"];
    for (const condition of others.filter((other) => other !== modified))
      expect([condition, (await get({ range, "if-range": condition })).status]).toEqual([condition, 200]);
    // That of all of it is sent where the file is another one, even where the range is not in it.
    expect((await get({ range: `bytes=${LENGTH}-`, "if-range": '"other"' })).status).toBe(200);
  });

  test("ranges work for pictures of books", async () => {
    const fields = { title: "Emma", author: "Jane Austen", picture: await picture() };
    const { body: book } = await user.form<{ picture: string }>("POST", "/api/v1/books", fields);
    const whole = await rowmill.client.download(book.picture);
    const part = await rowmill.client.download(book.picture, { range: "bytes=2-5" });
    expect([part.status, part.headers.get("cache-control")]).toEqual([
      206,
      "public, max-age=86400, immutable",
    ]);
    expect(part.body.equals(whole.body.subarray(2, 6))).toBe(true);
    expect((await rowmill.client.download(book.picture, { range: "bytes=999999-" })).status).toBe(416);
  });
});
