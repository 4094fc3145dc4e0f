import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { Client, Problem } from "../support/client.ts";
import { FILES, getContent, kept, NOTHING, type StoredView, sendFile, storedFile } from "../support/files.ts";
import { picture } from "../support/pictures.ts";
import { atEnd } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const MiB = 2 ** 20;
const BOUNDARY = "----rowmill-test";
const MULTIPART = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
const END = `\r\n--${BOUNDARY}--\r\n`;

const partHead = (disposition = 'name="file"; filename="a.bin"') =>
  `--${BOUNDARY}\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`;
const field = (name: string, value: string) => `${partHead(`name="${name}"`)}${value}\r\n`;

/** Sends a body as it is, of known length. */
function sendRaw<T = Problem>(user: Client, body: string | Buffer, path = FILES, headers = MULTIPART) {
  return user.send<T>("POST", path, { headers, body: new Uint8Array(Buffer.from(body)) });
}

/** Sends a body of unknown length, as it comes. */
function sendStream<T = StoredView>(user: Client, body: () => AsyncGenerator<string | Uint8Array>) {
  async function* bytes() {
    for await (const piece of body()) yield new Uint8Array(Buffer.from(piece));
  }
  const stream = ReadableStream.from(bytes());
  return user.send<T>("POST", FILES, { headers: MULTIPART, body: stream, duplex: "half" });
}

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

describe("a file", () => {
  const rowmill = useRowmill();
  const user = useUser(rowmill);

  test("an uploaded file is stored and returned", async () => {
    const { status, headers, body } = await sendFile(user, "hello", { name: "notes.txt" });
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`${FILES}/${body.id}`);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      name: "notes.txt",
      path: `/files/${body.id}/notes.txt`,
      media_type: "text/plain",
      bytes: 5,
      sha256: sha256("hello"),
      origin: "upload",
      task_id: null,
      created_at: expect.any(String),
    });
    expect((await user.get(`${FILES}/${body.id}`)).body).toEqual(body);
  });

  test("a file of 20 MB is stored in chunks and comes back unchanged", async () => {
    const own = await rowmill.newUser();
    const content = randomBytes(20 * MiB + 12_345);
    const file = await storedFile(own, content, { name: "big.bin" });
    expect(file).toMatchObject({ bytes: content.length, sha256: sha256(content) });
    expect(await kept(rowmill, own.userId)).toEqual({ files: 1, chunks: 21 });
    const { status, body } = await getContent(own, file.id);
    expect(status).toBe(200);
    expect(body.equals(content)).toBe(true);
  });

  test.each([0, 1, MiB - 1, MiB, MiB + 1, 2 * MiB])("a file may have %i bytes", async (length) => {
    const content = randomBytes(length);
    const file = await storedFile(user, content);
    expect(file).toMatchObject({ bytes: length, sha256: sha256(content) });
    const { status, headers, body } = await getContent(user, file.id);
    expect([status, headers.get("content-length")]).toEqual([200, String(length)]);
    expect(body.equals(content)).toBe(true);
  });

  test("a slow upload is not listed and holds no connection or transaction", async () => {
    const own = await rowmill.newUser();
    const block = randomBytes(MiB + 100);
    async function* body() {
      yield partHead();
      yield block;
      await until("a chunk is stored", async () => (await kept(rowmill, own.userId)).chunks === 1);
      await until("nothing is held", async () => {
        const { rows } = await rowmill.ctx.pool.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        );
        return rows.length === 0 && rowmill.ctx.pool.totalCount === rowmill.ctx.pool.idleCount;
      });
      const { rows } = await rowmill.ctx.pool.query("SELECT id FROM rowmill.files WHERE user_id = $1", [
        own.userId,
      ]);
      expect((await own.get<{ items: object[] }>(FILES)).body.items).toEqual([]);
      expect((await own.get(`${FILES}/${rows[0]?.id}`)).status).toBe(404);
      expect((await own.get(`${FILES}/${rows[0]?.id}/content`)).status).toBe(404);
      expect((await own.delete(`${FILES}/${rows[0]?.id}`)).status).toBe(404);
      yield block;
      yield END;
    }
    const { status, body: file } = await sendStream(own, body);
    expect([status, file.bytes]).toEqual([201, 2 * block.length]);
    expect(file.sha256).toBe(sha256(Buffer.concat([block, block])));
  });

  test.each([
    ["Größe 日本 😀.pdf", "Größe 日本 😀.pdf"],
    ["'; DROP TABLE files; --", "'; DROP TABLE files; --"],
    ["../../etc/passwd", "passwd"],
    ["C:\\fakepath\\a b.jpg", "a b.jpg"],
    ["a\tb.txt", "a\uFFFDb.txt"],
    ["..", "file"],
    [".", "file"],
    ["dir/", "file"],
    [`${"x".repeat(400)}.tar`, `${"x".repeat(251)}.tar`],
    [`${"😀".repeat(300)}`, `${"😀".repeat(127)}\uFFFD`],
  ])("a file named %j is stored under its base name", async (name, expected) => {
    const file = await storedFile(user, "x", { name });
    expect(file.name).toBe(expected);
    expect(file.path).toBe(`/files/${file.id}/${expected}`);
    expect((await getContent(user, file.id)).status).toBe(200);
  });

  test("a NUL is removed from a file name", async () => {
    const body = `${partHead("name=\"file\"; filename*=UTF-8''a%00b.csv")}x${END}`;
    const { status, body: file } = await sendRaw<StoredView>(user, body);
    expect([status, file.name]).toEqual([201, "a\uFFFDb.csv"]);
  });

  test("a file without a name takes the name of its path or a default", async () => {
    const nameless = partHead('name="file"; filename=""');
    const named = await sendRaw<StoredView>(user, `${field("path", "/a/scan.png")}${nameless}x${END}`);
    expect([named.status, named.body.name]).toEqual([201, "scan.png"]);
    const plain = await sendRaw<StoredView>(user, `${nameless}x${END}`);
    expect([plain.status, plain.body.name]).toEqual([201, "file"]);
  });

  test.each<[string, string, string | (() => Promise<Buffer>), string]>([
    ["text", "a.txt", "Grüße\n", "text/plain"],
    ["text by any name", "a.jpg", "hello", "text/plain"],
    ["nothing", "a.txt", "", "text/plain"],
    ["CSV", "a.CSV", "a,b\n1,2\n", "text/csv"],
    ["CSV with a byte order mark", "a.csv", "\uFEFFa,b\n", "text/csv"],
    ["CSV that begins as a bitmap does", "a.csv", "BMI,weight\n1,2\n", "text/csv"],
    ["CSV that begins as a program does", "a.csv", "MZone,a\n1,2\n", "text/csv"],
    ["Markdown", "a.md", "# Title\n", "text/markdown"],
    ["XML", "a.csv", "<?xml version='1.0'?><a/>", "application/xml"],
    ["a PDF that is all text", "a.txt", "%PDF-1.4\n", "application/pdf"],
    ["a PNG called CSV", "a.csv", () => picture("png"), "image/png"],
    ["a JPEG without a name", "", () => picture("jpeg"), "image/jpeg"],
    ["gzip", "a.csv", async () => gzipSync("a,b\n"), "application/gzip"],
    ["a zip that ends early", "a.zip", async () => Buffer.from("PK\x03\x04\x14\0\0\0"), "application/zip"],
    ["text with a NUL", "a.csv", async () => Buffer.from("a,b\0\n"), "application/octet-stream"],
    ["broken UTF-8", "a.csv", async () => Buffer.from([97, 0xff, 98]), "application/octet-stream"],
    [
      "UTF-8 that ends within a character",
      "a.md",
      async () => Buffer.from("é").subarray(0, 1),
      "application/octet-stream",
    ],
    [
      "text that turns binary behind its beginning",
      "a.csv",
      async () => Buffer.concat([Buffer.alloc(3 * MiB, "a"), Buffer.from([0])]),
      "application/octet-stream",
    ],
    [
      "text whose characters lie across pieces",
      "a.md",
      async () => Buffer.from(`a${"é".repeat(MiB)}`),
      "text/markdown",
    ],
  ])("the media type comes from the content: %s", async (_, name, content, mediaType) => {
    const bytes = typeof content === "string" ? content : await content();
    expect((await storedFile(user, bytes, { name })).media_type).toBe(mediaType);
  });

  test("two users may use the same path", async () => {
    const other = await rowmill.newUser();
    const path = "/path/to/image ä.jpg";
    const file = await storedFile(user, "x", { path, name: "y.jpg" });
    expect(file).toMatchObject({ path, name: "y.jpg" });
    expect((await storedFile(other, "x", { path })).path).toBe(path);
    const query = await user.upload<StoredView>("x", `${FILES}?path=${encodeURIComponent("/q/1")}`);
    expect([query.status, query.body.path]).toEqual([201, "/q/1"]);
  });

  test("a path is unique per user until its file is deleted", async () => {
    const path = "/twice.txt";
    const first = await storedFile(user, "x", { path });
    const before = await kept(rowmill, user.userId);
    const second = await sendFile<Problem>(user, "y", { path });
    expect([second.status, second.body.code]).toEqual([409, "conflict"]);
    expect(second.body.field_errors.path?.[0]).toContain(first.id);
    expect(await kept(rowmill, user.userId)).toEqual(before);
    await user.delete(`${FILES}/${first.id}`);
    expect((await sendFile(user, "y", { path })).status).toBe(201);
  });

  test("of two concurrent uploads to one path, one is accepted", async () => {
    const own = await rowmill.newUser();
    const path = "/race.bin";
    const answers = await Promise.all(
      [1, 2, 3].map(() => sendFile<Problem>(own, randomBytes(2 * MiB), { path })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await kept(rowmill, own.userId)).toEqual({ files: 1, chunks: 2 });
  });
});

describe("a refused file leaves nothing", () => {
  const MAX_BYTES = 3 * MiB;
  const rowmill = useRowmill({ settings: { FILE_MAX_BYTES: String(MAX_BYTES) } });
  const user = useUser(rowmill);
  afterEach(async () => expect(await kept(rowmill)).toEqual(NOTHING));

  test.each([
    ["empty", ""],
    ["a NUL", "/a\0b"],
    ["a control character", "/a\nb"],
    ["parts that lead upwards", "/a/../b"],
    ["parts that lead upwards as Windows writes them", "a\\..\\b"],
    ["a folder", "/a/"],
    ["1,001 characters", `/${"x".repeat(1000)}`],
  ])("a file with a path that is or has %s is refused and not stored", async (_, path) => {
    const { status, body } = await sendFile<Problem>(user, "x", { path });
    expect([status, body.code]).toEqual([400, "invalid_input"]);
    expect(Object.keys(body.field_errors)).toEqual(["path"]);
  });

  test.each([
    ["no file", `--${BOUNDARY}--\r\n`, "file"],
    ["a file under another key", `${partHead('name="picture"; filename="a"')}x${END}`, "file"],
    ["two files", `${partHead()}${"x".repeat(2 * MiB)}\r\n${partHead()}y${END}`, "file"],
    ["a path behind the file", `${partHead()}x\r\n${field("path", "/a")}--${BOUNDARY}--\r\n`, "path"],
  ])("a form with %s is refused and no file is stored", async (_, body, name) => {
    const answer = await sendRaw(user, body);
    expect([answer.status, Object.keys(answer.body.field_errors)]).toEqual([400, [name]]);
  });

  test("different paths in query and form are refused", async () => {
    const body = `${field("path", "/a")}${partHead()}x${END}`;
    expect((await sendRaw(user, body, `${FILES}?path=/b`)).status).toBe(400);
  });

  test("an upload that is not a form is refused", async () => {
    expect((await user.post(FILES, { file: "x" })).status).toBe(415);
    const headers = { "content-type": "application/octet-stream" };
    expect((await sendRaw(user, "x", FILES, headers)).status).toBe(415);
  });

  test("uploading a file requires a login", async () => {
    const answer = await rowmill.client.send<Problem>("POST", FILES, { headers: MULTIPART, body: "x" });
    expect(answer.status).toBe(401);
  });

  test("a file over FILE_MAX_BYTES is refused, with or without content-length", async () => {
    const detail = `The file is larger than ${MAX_BYTES} bytes (FILE_MAX_BYTES).`;
    async function* body() {
      yield partHead();
      for (let sent = 0; sent <= MAX_BYTES; sent += MiB) yield randomBytes(MiB);
      yield END;
    }
    const answers = [
      await sendFile<Problem>(user, Buffer.alloc(2 * MAX_BYTES)),
      await sendFile<Problem>(user, Buffer.alloc(MAX_BYTES + 1)),
      await sendStream<Problem>(user, body),
    ];
    for (const { status, body } of answers)
      expect([status, body.code, body.detail]).toEqual([413, "too_large", detail]);
  });

  test("a body that ends early leaves no file", async () => {
    const { status } = await sendRaw(user, `${partHead()}${"x".repeat(2 * MiB)}`);
    expect(status).toBe(400);
  });

  test("a cut connection leaves no file", async () => {
    const { hostname, port } = new URL(rowmill.url);
    const socket = connect(Number(port), hostname);
    atEnd(async () => socket.destroy());
    await once(socket, "connect");
    socket.write(
      `POST ${FILES} HTTP/1.1\r\nhost: rowmill\r\nauthorization: Bearer ${user.token}\r\n` +
        `content-type: ${MULTIPART["content-type"]}\r\ncontent-length: ${2 * MiB + 1000}\r\n\r\n${partHead()}`,
    );
    socket.write(Buffer.alloc(2 * MiB));
    await until("a part of it is stored", async () => (await kept(rowmill)).chunks > 0);
    socket.destroy();
    await until("nothing is left of it", async () => (await kept(rowmill)).files === 0);
  });
});
