import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Answer, Problem } from "../../support/client.ts";
import { countWaiting } from "../../support/count.ts";
import {
  BOUNDARY,
  END,
  FIRST_LINES,
  HEADER,
  holdsNothing,
  kept,
  line,
  lines,
  MULTIPART,
  NOTHING,
  partHead,
  sendRaw,
  sendStream,
  UPLOAD,
} from "../../support/raw-upload.ts";
import { atEnd, startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

describe("a refused upload leaves nothing", () => {
  /** More than a segment of rows, so that there is something stored when the refusal comes. */
  const MAX_BYTES = 4_000_000;
  const rowmill = useRowmill({
    settings: {
      UPLOAD_MAX_BYTES: String(MAX_BYTES),
      UPLOAD_MAX_COLUMNS: "5",
      CELL_MAX_BYTES: "1000",
    },
  });
  const user = useUser(rowmill);
  afterEach(async () => expect(await kept(rowmill)).toEqual(NOTHING));

  async function upload(content: string | Buffer): Promise<Answer<Problem>> {
    return user.upload<Problem>(content);
  }

  test.each([
    ["no file", () => sendRaw(user, `--${BOUNDARY}--\r\n`), "file: is missing"],
    [
      "a file under another key",
      () => sendRaw(user, `${partHead('name="csv"; filename="a.csv"')}${HEADER}${line(1)}${END}`),
      "in the field `csv`. Send it in the field `file`",
    ],
    [
      "two files",
      () => sendRaw(user, `${partHead()}${HEADER}${line(1)}\r\n${partHead()}${HEADER}${line(2)}${END}`),
      "was sent more than once",
    ],
    [
      "two files, the second under another key",
      () =>
        sendRaw(
          user,
          `${partHead()}${HEADER}${line(1)}\r\n${partHead('name="b"; filename="b.csv"')}${HEADER}${END}`,
        ),
      "was sent more than once",
    ],
    ["an empty file", () => upload(""), "The file is empty"],
    ["a file of blank lines", () => upload("\n\r\n\n"), "The file is empty"],
    [
      "fewer lines than skip_lines",
      () => user.upload<Problem>(HEADER, `${UPLOAD}&skip_lines=5`),
      "no text after the 5 lines that skip_lines skips",
    ],
    [
      "a file of the target without a header",
      () => upload("1,Emma,Jane Austen\n2,Ulysses,James Joyce\n"),
      "The first row looks like data, so the columns are numbered. Send their names in `columns`, or header=true.",
    ],
    [
      "a file without a required column",
      () => upload("name,genre\nEmma,novel\n"),
      'no column "author" (or authors, book_author, writer). Found: name, genre. Rename one, or name it in `mapping`.',
    ],
    ["a header with a malformed quote", () => upload('"ti"tle",author\na,b\n'), 'no column "title"'],
    ["an unknown target", () => user.upload<Problem>(HEADER, "/api/v1/batches?target=films"), "books"],
  ])("%s", async (_, send, detail) => {
    const { status, body } = await send();
    expect(status).toBe(400);
    expect(body.code).toBe("invalid_input");
    expect(body.detail).toContain(detail);
    expect(body.error).toBe(body.detail);
  });

  test.each([
    ["JSON", "application/json", '{"file": "title,author"}'],
    ["a form", "application/x-www-form-urlencoded", "file=title"],
    ["text", "text/plain", `${HEADER}${line(1)}`],
  ])("an upload of %s instead of multipart/form-data is refused", async (_, type, content) => {
    const { status, body } = await sendRaw(user, content, { "content-type": type });
    expect(status).toBe(415);
    expect(body.detail).not.toBe("");
  });

  test("an upload without a body is refused", async () => {
    expect((await user.post<Problem>(UPLOAD)).status).toBe(415);
  });

  test.each([
    ["without a boundary", "", { "content-type": "multipart/form-data" }],
    ["without a boundary, with a body", `${partHead()}a,b\n`, { "content-type": "multipart/form-data" }],
    ["with an empty body", "", MULTIPART],
    ["with a body of another boundary", "--other\r\n\r\nx\r\n--other--\r\n", MULTIPART],
    ["with a body that is no multipart", "title,author\na,b\n", MULTIPART],
    ["with a part without a name", `${partHead("x=y")}${HEADER}${END}`, MULTIPART],
    ["with a part under `__proto__`", `${partHead('name="__proto__"; filename="a"')}a,b\n${END}`, MULTIPART],
    ["that ends within the file", `${partHead()}${HEADER}${lines(10)}`, MULTIPART],
    ["that ends within the file's head", partHead().slice(0, -9), MULTIPART],
    ["that ends within a quoted cell", `${partHead()}${HEADER}a,"b`, MULTIPART],
    ["that ends after 2 MB", `${partHead()}${HEADER}${lines(40_000)}`, MULTIPART],
  ])("multipart/form-data %s is refused", async (_, body, headers) => {
    const answer = await sendRaw(user, body, headers);
    expect([400, 415]).toContain(answer.status);
    expect(answer.body.detail).not.toBe("");
  });

  test.each([
    ["no token", {}, "Bearer"],
    ["an invalid token", { authorization: "Bearer nonsense" }, "Bearer"],
    ["a name and a password that are wrong", { authorization: "Basic dTpw" }, "Basic"],
  ])("%s", async (_, headers, scheme) => {
    const answer = await rowmill.client.send<Problem>("POST", UPLOAD, {
      headers: { ...MULTIPART, ...headers },
      body: `${partHead()}${HEADER}${line(1)}${END}`,
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain(scheme);
  });

  describe("a file over UPLOAD_MAX_BYTES", () => {
    const expectTooLarge = ({ status, body }: Answer<Problem>) => {
      expect(body.detail).toBe(`The file is larger than ${MAX_BYTES} bytes (UPLOAD_MAX_BYTES).`);
      expect([status, body.code]).toEqual([413, "too_large"]);
    };
    const plain = `Title,Author,${"x".repeat(300)}\n`;
    const plainLines = (bytes: number) => HEADER.padEnd(bytes, plain);

    test("a file over UPLOAD_MAX_BYTES with content-length is refused", async () => {
      expectTooLarge(await upload(plainLines(MAX_BYTES * 2)));
    });

    test("a file barely over UPLOAD_MAX_BYTES is refused", async () => {
      expectTooLarge(await upload(plainLines(MAX_BYTES + 1)));
    });

    test("a file over UPLOAD_MAX_BYTES without content-length is refused", async () => {
      async function* body() {
        yield partHead() + HEADER;
        for (let sent = 0; sent < MAX_BYTES * 2; sent += 1000 * plain.length) yield plain.repeat(1000);
        yield END;
      }
      expectTooLarge(await sendStream(user, body));
    });

    test("a file over UPLOAD_MAX_BYTES in a quoted cell is refused", async () => {
      expectTooLarge(await upload(`${plainLines(MAX_BYTES - 200)}\nTitle,Author,"${"x".repeat(400)}"\n`));
    });
  });

  test("a file of exactly UPLOAD_MAX_BYTES is accepted, and one more byte is refused", async () => {
    await using limited = await startRowmill({ UPLOAD_MAX_BYTES: "100" });
    const client = await limited.newUser();
    const content = HEADER.padEnd(99, "a,b,c\n");
    expect((await client.upload(`${content}dd`)).status).toBe(413);
    expect(await kept(limited)).toEqual(NOTHING);
    expect((await client.upload(`${content}d`)).status).toBe(202);
  });

  test("a header over UPLOAD_MAX_COLUMNS is refused", async () => {
    const { status, body } = await upload("title,author,a,b,c,d\n1,2,3,4,5,6\n");
    expect(status).toBe(413);
    expect(body.detail).toBe("Row 1 has 6 columns. At most 5 are allowed (UPLOAD_MAX_COLUMNS).");
  });

  test("a cell over CELL_MAX_BYTES is refused and stored rows are removed", async () => {
    const { status, body } = await upload(`${HEADER}${lines(40_000)}a,${"é".repeat(501)},b\n`);
    expect(status).toBe(413);
    expect(body.detail).toBe(
      "Row 40002, column 2: the cell has 1002 bytes. At most 1000 are allowed (CELL_MAX_BYTES).",
    );
  });

  test("a header cell over CELL_MAX_BYTES is refused", async () => {
    const { status, body } = await upload(`title,author,${"x".repeat(1001)}\na,b,c\n`);
    expect(status).toBe(413);
    expect(body.detail).toContain("Row 1, column 3");
  });

  test("a connection cut half-way leaves nothing, and the service continues", async () => {
    const content = HEADER + lines(40_000);
    const body = Buffer.from(partHead() + content + END);
    const { hostname, port } = new URL(rowmill.url);
    const socket = connect(Number(port), hostname);
    atEnd(async () => socket.destroy());
    await once(socket, "connect");
    socket.write(
      `POST ${UPLOAD} HTTP/1.1\r\nhost: rowmill\r\nauthorization: Bearer ${user.token}\r\n` +
        `content-type: ${MULTIPART["content-type"]}\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, Math.floor(body.length * 0.75)));
    await until("rows of it are stored", async () => ((await kept(rowmill))?.rows ?? 0) > 0);
    socket.destroy();
    await until("nothing is left of it", async () => {
      const left = await kept(rowmill);
      return left?.batches === 0 && left.rows === 0;
    });
    const list = await user.get<{ items: object[] }>("/api/v1/batches");
    expect([list.status, list.body.items]).toEqual([200, []]);
    expect((await upload("")).status).toBe(400);
    await holdsNothing(rowmill);
  });

  test("a connection cut in the middle of the file leaves nothing", async () => {
    const { hostname, port } = new URL(rowmill.url);
    const socket = connect(Number(port), hostname);
    atEnd(async () => socket.destroy());
    await once(socket, "connect");
    socket.write(
      `POST ${UPLOAD} HTTP/1.1\r\nhost: rowmill\r\nauthorization: Bearer ${user.token}\r\n` +
        `content-type: ${MULTIPART["content-type"]}\r\ncontent-length: 500000\r\n\r\n${partHead()}${HEADER}${lines(FIRST_LINES)}`,
    );
    await until("it is being received", async () => (await kept(rowmill))?.batches === 1);
    socket.destroy();
    await until("nothing is left of it", async () => (await kept(rowmill))?.batches === 0);
  });

  test("a connection that ends before the form is read does not keep its place", async () => {
    const { body: created } = await user.post<{ token: string }>("/api/v1/auth/tokens", { name: "cut" });
    const { hostname, port } = new URL(rowmill.url);
    const { pool, config } = rowmill.ctx;
    const lock = await pool.connect();
    await lock.query("BEGIN; LOCK TABLE rowmill.api_tokens IN ACCESS EXCLUSIVE MODE");
    const sockets = Array.from({ length: config.uploadsPerUser }, () => connect(Number(port), hostname));
    for (const socket of sockets) {
      socket.write(
        `POST ${UPLOAD} HTTP/1.1\r\nhost: rowmill\r\nauthorization: Bearer ${created.token}\r\n` +
          `content-type: ${MULTIPART["content-type"]}\r\ncontent-length: 500000\r\n\r\n`,
      );
    }
    await until(
      "their tokens are checked",
      async () => (await countWaiting(pool, "relation = 'rowmill.api_tokens'::regclass")) === sockets.length,
    );
    for (const socket of sockets) await once(socket.destroy(), "close");
    await lock.query("ROLLBACK");
    lock.release();
    expect((await upload("")).status).toBe(400);
  });
});
