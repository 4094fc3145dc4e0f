import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import type { Answer, Client, Problem } from "../../support/client.ts";
import { atEnd, type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const UPLOAD = "/api/v1/batches?target=books";
const BOUNDARY = "----rowmill-test";
const MULTIPART = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
const END = `\r\n--${BOUNDARY}--\r\n`;

const partHead = (disposition = 'name="file"; filename="test.csv"') =>
  `--${BOUNDARY}\r\ncontent-disposition: form-data; ${disposition}\r\ncontent-type: text/csv\r\n\r\n`;

/** Sends a body as it is, of known length. */
function sendRaw<T = Problem>(user: Client, body: string | Buffer, headers = MULTIPART, path = UPLOAD) {
  return user.send<T>("POST", path, { headers, body: new Uint8Array(Buffer.from(body)) });
}

/** Sends a body of unknown length, as it comes. */
function sendStream<T = Problem>(user: Client, body: () => AsyncGenerator<string>) {
  async function* bytes() {
    for await (const text of body()) yield new Uint8Array(Buffer.from(text));
  }
  return user.send<T>("POST", UPLOAD, {
    headers: MULTIPART,
    body: ReadableStream.from(bytes()),
    duplex: "half",
  });
}

/** What there is of batches in the database: nothing, after a refusal. */
async function kept({ ctx }: Rowmill) {
  const { rows } = await ctx.pool.query<Record<"batches" | "rows" | "chunks" | "results" | "jobs", number>>(`
    SELECT (SELECT count(*)::int FROM batches) AS batches, (SELECT count(*)::int FROM batch_rows) AS rows,
      (SELECT count(*)::int FROM chunks) AS chunks, (SELECT count(*)::int FROM row_results) AS results,
      (SELECT count(*)::int FROM pgboss.job) AS jobs`);
  return rows[0];
}

const NOTHING = { batches: 0, rows: 0, chunks: 0, results: 0, jobs: 0 };

/** Connections of ours that are in a transaction without running a statement, and those that somebody holds. */
async function heldConnections({ ctx }: Rowmill) {
  const { rows } = await ctx.pool.query<{ idle: number }>(
    "SELECT count(*)::int AS idle FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
  );
  return { inTransaction: rows[0]?.idle, checkedOut: ctx.pool.totalCount - ctx.pool.idleCount };
}

const holdsNothing = (rowmill: Rowmill) =>
  until("no upload holds a connection", async () => {
    const { inTransaction, checkedOut } = await heldConnections(rowmill);
    return inTransaction === 0 && checkedOut === 0;
  });

const line = (index: number) => `Title ${index},Author ${index},"Description, of book ${index}"\n`;
const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => line(from + index)).join("");
const HEADER = "title,author,description\n";
/** Over 64 KiB of them, which are looked at before there is a batch. */
const FIRST_LINES = 2500;

describe("an upload", () => {
  const rowmill = useRowmill({ worker: true });

  test("becomes a batch whose rows are books", async () => {
    const user = await rowmill.newUser();
    const accepted = await user.upload(
      "title,author,description\nUlysses,James Joyce,A day in Dublin\nEmma,Jane Austen,\n",
    );
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get("location")).toBe(`/api/v1/batches/${accepted.body.id}`);
    const batch = await user.finished(accepted.body.id);
    expect(batch.state).toBe("completed");
    expect(batch.counts).toEqual({
      total: 2,
      pending: 0,
      processing: 0,
      success: 2,
      failed: 0,
      unprocessed: 0,
      undone: 0,
    });
    const rows = await user.rows(batch.id);
    expect(rows.map(({ row, status, fields }) => [row, status, fields.title])).toEqual([
      [2, "success", "Ulysses"],
      [3, "success", "Emma"],
    ]);
    const books = await user.get<{ items: object[] }>("/api/v1/books");
    expect(books.body.items).toEqual([
      {
        id: rows[0]?.record_id,
        title: "Ulysses",
        author: "James Joyce",
        description: "A day in Dublin",
        picture: null,
        picture_url: null,
        thumbnail_url: null,
      },
      {
        id: rows[1]?.record_id,
        title: "Emma",
        author: "Jane Austen",
        description: "",
        picture: null,
        picture_url: null,
        thumbnail_url: null,
      },
    ]);
  });

  async function process(content: string | Buffer) {
    const user = await rowmill.newUser();
    const accepted = await user.upload(content);
    expect(accepted.status).toBe(202);
    const batch = await user.finished(accepted.body.id);
    const { body } = await user.get<{ items: { title: string; author: string; description: string }[] }>(
      "/api/v1/books?limit=1000",
    );
    return { batch, rows: await user.rows(batch.id), books: body.items };
  }

  test("of unusual bytes fails the rows that are wrong, each with its reason, and makes books of the others", async () => {
    const { batch, rows, books } = await process(
      Buffer.concat([
        Buffer.from(`${HEADER}Good,One,\nN\0UL,Two,\nBad `),
        Buffer.from([0xff, 0xc3, 0x28]),
        Buffer.from(",Three,\n"),
        Buffer.from('5" disk,Four,3.5"\nShort\nFew,Six\n\nMany,Seven,x,y\n"quo"te",Eight,d\n'),
        Buffer.from("😀 日本,Ñiñe,👩‍🚀\n ,Ten,\nBack\\slash\\N\\.,Tab\tbed,\\\n,,\n"),
      ]),
    );
    expect(batch.state).toBe("completed_with_errors");
    expect(batch.counts).toEqual({
      total: 12,
      pending: 0,
      processing: 0,
      success: 5,
      failed: 7,
      unprocessed: 0,
      undone: 0,
    });
    expect(
      rows.map(({ row, errors }) => [row, ...errors.map(({ column, code }) => `${column}: ${code}`)]),
    ).toEqual([
      [2],
      [3, "title: invalid_character"],
      [4, "title: invalid_encoding"],
      [5],
      [6, "author: required"],
      [7],
      [9, "null: malformed"],
      [10, "null: malformed"],
      [11],
      [12, "title: required"],
      [13],
      [14, "title: required", "author: required"],
    ]);
    expect(rows[6]?.error_message).toContain("4 fields where the header has 3");
    expect(rows[7]?.error_message).toContain("not doubled");
    expect(rows.map(({ fields }) => fields)).toEqual([
      { title: "Good", author: "One", description: "" },
      { title: "N\0UL", author: "Two", description: "" },
      { title: "Bad \uFFFD\uFFFD(", author: "Three", description: "" },
      { title: '5" disk', author: "Four", description: '3.5"' },
      { title: "Short" },
      { title: "Few", author: "Six" },
      { title: "Many", author: "Seven", description: "x", _extra: "y" },
      { title: '"quo"te"', author: "Eight", description: "d" },
      { title: "😀 日本", author: "Ñiñe", description: "👩‍🚀" },
      { title: " ", author: "Ten", description: "" },
      { title: "Back\\slash\\N\\.", author: "Tab\tbed", description: "\\" },
      { title: "", author: "", description: "" },
    ]);
    expect(books.map(({ title, author, description }) => [title, author, description])).toEqual([
      ["Good", "One", ""],
      ['5" disk', "Four", '3.5"'],
      ["Few", "Six", ""],
      ["😀 日本", "Ñiñe", "👩‍🚀"],
      ["Back\\slash\\N\\.", "Tab\tbed", "\\"],
    ]);
  });

  test("gives back cells under names that mean something to JavaScript", async () => {
    const { batch, rows } = await process(
      "title,author,__proto__,constructor,toString,__proto__\nEmma,Austen,a,b,c,d\nShort,Two\n",
    );
    const header = ["title", "author", "__proto__", "constructor", "toString", "__proto___2"];
    expect(batch.header).toEqual(header);
    expect(Object.entries(rows[0]?.fields ?? {})).toEqual(
      ["Emma", "Austen", "a", "b", "c", "d"].map((cell, at) => [header[at], cell]),
    );
    expect(Object.entries(rows[1]?.fields ?? {})).toEqual([
      ["title", "Short"],
      ["author", "Two"],
    ]);
    expect(rows.map(({ status }) => status)).toEqual(["success", "success"]);
  });

  test("gives back every cell of a row that has too many, whatever the columns are called", async () => {
    const { rows } = await process("title,author,column_4\nEmma,Austen,third,fourth\n");
    expect(rows[0]?.status).toBe("failed");
    expect(Object.values(rows[0]?.fields ?? {}).toSorted()).toEqual(["Austen", "Emma", "fourth", "third"]);
  });

  test("takes NUL and broken bytes in the header, too", async () => {
    const { batch, rows } = await process(
      Buffer.concat([Buffer.from("title,author,x\0y,"), Buffer.from([0xff]), Buffer.from("\na,b,c,d\n")]),
    );
    expect(batch.header.slice(0, 2)).toEqual(["title", "author"]);
    expect(rows.map(({ status, fields }) => [status, ...Object.values(fields)])).toEqual([
      ["success", "a", "b", "c", "d"],
    ]);
  });

  test("may have very long lines", async () => {
    const long = "é".repeat(450_000);
    const { rows, books } = await process(
      `title,author,x,y,z\nA,B,"${long}",${long},"${long}"\n${long},C\nD,E\n`,
    );
    expect(rows.map(({ status, error_code }) => [status, error_code])).toEqual([
      ["success", null],
      ["failed", "too_long"],
      ["success", null],
    ]);
    expect(rows[0]?.fields).toEqual({ title: "A", author: "B", x: long, y: long, z: long });
    expect(rows[1]?.fields).toEqual({ title: long, author: "C" });
    expect(rows[1]?.errors).toEqual([
      { column: "title", code: "too_long", message: "title has 450000 characters; at most 500 are allowed" },
    ]);
    expect(books.map(({ title }) => title)).toEqual(["A", "D"]);
  });

  test.each([
    ["UTF-16", Buffer.from(`\uFEFF${HEADER}Größe,日本,😀\r\n`, "utf16le")],
    ["CR line ends", Buffer.from("title,author,description\rGröße,日本,😀\r")],
    ["CRLF and a byte order mark", Buffer.from('\uFEFF"title",author,description\r\nGröße,日本,"😀"\r\n')],
  ])("in %s is understood", async (_, content) => {
    const { books } = await process(content);
    expect(books).toMatchObject([{ title: "Größe", author: "日本", description: "😀" }]);
  });

  test.each([
    ["Größe 日本 😀.csv", "Größe 日本 😀.csv"],
    ["'; DROP TABLE books; --.csv", "'; DROP TABLE books; --.csv"],
    ["<b>&amp;\t.csv", "<b>&amp;\t.csv"],
    ["../../etc/passwd", "passwd"],
    ["%s%n$(id)`id`.csv", "%s%n$(id)`id`.csv"],
    [`${"long".repeat(500)}.csv`, "long".repeat(64).slice(0, 255)],
    ["", "upload.csv"],
  ])("of a file called %j keeps the name as data", async (filename, expected) => {
    const user = await rowmill.newUser();
    const { status, body } = await user.upload(`${HEADER}Emma,Austen,\n`, UPLOAD, filename);
    expect(status).toBe(202);
    expect(body.filename).toBe(expected);
    expect((await user.batch(body.id)).body.filename).toBe(body.filename);
  });

  test("of a file whose name has a NUL is answered, and not with a 5xx", async () => {
    const user = await rowmill.newUser();
    const body = `${partHead("name=\"file\"; filename*=UTF-8''a%00b.csv")}${HEADER}Emma,Austen,\n${END}`;
    const { status } = await sendRaw<Record<string, unknown>>(user, body);
    expect(status).toBeLessThan(500);
  });

  test("may have text fields before and after the file", async () => {
    const user = await rowmill.newUser();
    const field = (name: string) =>
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nx\r\n`;
    const body = `${field("before")}${partHead()}${HEADER}Emma,Austen,\n\r\n${field("after")}--${BOUNDARY}--\r\n`;
    const { status, body: batch } = await sendRaw<BatchView>(user, body);
    expect(status).toBe(202);
    expect((await user.finished(batch.id)).counts.success).toBe(1);
  });
});

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
    ["no file", () => sendRaw(user, `--${BOUNDARY}--\r\n`), "no file was sent"],
    [
      "a text field where the file should be",
      () => sendRaw(user, `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"\r\n\r\na,b\n${END}`),
      "no file was sent",
    ],
    [
      "a file under another key",
      () => sendRaw(user, `${partHead('name="csv"; filename="a.csv"')}${HEADER}${line(1)}${END}`),
      "key `csv`; send it as `file`",
    ],
    [
      "two files",
      () => sendRaw(user, `${partHead()}${HEADER}${line(1)}\r\n${partHead()}${HEADER}${line(2)}${END}`),
      "more than one file",
    ],
    [
      "two files, the second under another key",
      () =>
        sendRaw(
          user,
          `${partHead()}${HEADER}${line(1)}\r\n${partHead('name="b"; filename="b.csv"')}${HEADER}${END}`,
        ),
      "more than one file",
    ],
    ["an empty file", () => upload(""), "The file is empty"],
    ["a file of blank lines", () => upload("\n\r\n\n"), "The file is empty"],
    ["a header without rows", () => upload(HEADER), "a header but no rows"],
    ["a header without rows or a line end", () => upload(HEADER.trim()), "a header but no rows"],
    ["a header and blank lines", () => upload(`${HEADER}\n\n`), "a header but no rows"],
    [
      "a file without a required column",
      () => upload("name,genre\nEmma,novel\n"),
      'no column "author" (or authors, book_author, writer). Found: name, genre.',
    ],
    ["a header with a malformed quote", () => upload('"ti"tle",author\na,b\n'), "The header can't be read"],
    ["a quote that is never closed", () => upload(`${HEADER}a,b,c\nd,"e\n`), "Row 3 opens a quote"],
    [
      "a quote that is never closed, after rows that were stored",
      () => upload(`${HEADER}${lines(40_000)}d,"e\n`),
      "Row 40002 opens a quote",
    ],
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
    ["CSV", "text/csv", `${HEADER}${line(1)}`],
    ["a form", "application/x-www-form-urlencoded", "file=title"],
    ["text", "text/plain", `${HEADER}${line(1)}`],
  ])("%s instead of multipart/form-data", async (_, type, content) => {
    const { status, body } = await sendRaw(user, content, { "content-type": type });
    expect(status).toBe(415);
    expect(body.detail).not.toBe("");
  });

  test("no body", async () => {
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
  ])("multipart/form-data %s", async (_, body, headers) => {
    const answer = await sendRaw(user, body, headers);
    expect([400, 415]).toContain(answer.status);
    expect(answer.body.detail).not.toBe("");
  });

  test.each([
    ["no token", {}, "Bearer"],
    ["a token that is none", { authorization: "Bearer nonsense" }, "Bearer"],
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
      expect(body.detail).toBe(`The file is larger than UPLOAD_MAX_BYTES, which is ${MAX_BYTES}.`);
      expect([status, body.code]).toEqual([413, "too_large"]);
    };
    const plain = `Title,Author,${"x".repeat(300)}\n`;
    const plainLines = (bytes: number) => HEADER.padEnd(bytes, plain);

    test("of a length that is known", async () => {
      expectTooLarge(await upload(plainLines(MAX_BYTES * 2)));
    });

    test("by so little that the length of the request doesn't tell", async () => {
      expectTooLarge(await upload(plainLines(MAX_BYTES + 1)));
    });

    test("of a length that is not known", async () => {
      async function* body() {
        yield partHead() + HEADER;
        for (let sent = 0; sent < MAX_BYTES * 2; sent += 1000 * plain.length) yield plain.repeat(1000);
        yield END;
      }
      expectTooLarge(await sendStream(user, body));
    });

    test("that is cut within a quoted cell", async () => {
      expectTooLarge(await upload(`${plainLines(MAX_BYTES - 200)}\nTitle,Author,"${"x".repeat(400)}"\n`));
    });
  });

  test("a file of UPLOAD_MAX_BYTES is taken, and one of a byte more is not", async () => {
    await using limited = await startRowmill({ UPLOAD_MAX_BYTES: "100" });
    const client = await limited.newUser();
    const content = HEADER.padEnd(99, "a,b,c\n");
    expect((await client.upload(`${content}dd`)).status).toBe(413);
    expect(await kept(limited)).toEqual(NOTHING);
    expect((await client.upload(`${content}d`)).status).toBe(202);
  });

  test("a header over UPLOAD_MAX_COLUMNS", async () => {
    const { status, body } = await upload("title,author,a,b,c,d\n1,2,3,4,5,6\n");
    expect(status).toBe(413);
    expect(body.detail).toBe("Row 1 has 6 columns; UPLOAD_MAX_COLUMNS is 5.");
  });

  test("a cell over CELL_MAX_BYTES, after rows that were stored", async () => {
    const { status, body } = await upload(`${HEADER}${lines(40_000)}a,${"é".repeat(501)},b\n`);
    expect(status).toBe(413);
    expect(body.detail).toBe("Row 40002, column 2: the cell has 1002 bytes; CELL_MAX_BYTES is 1000.");
  });

  test("a header cell over CELL_MAX_BYTES", async () => {
    const { status, body } = await upload(`title,author,${"x".repeat(1001)}\na,b,c\n`);
    expect(status).toBe(413);
    expect(body.detail).toContain("Row 1, column 3");
  });

  test("a connection that is cut half-way, and the service goes on", async () => {
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
    expect((await upload(HEADER)).status).toBe(400);
    await holdsNothing(rowmill);
  });

  test("a connection that is cut in the middle of the file", async () => {
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
});

describe("a big or slow upload", () => {
  const rowmill = useRowmill({ settings: { UPLOAD_MAX_COLUMNS: "6000" } });

  const onlyBatch = async (user: Client) => {
    const { body } = await user.get<{ items: BatchView[] }>("/api/v1/batches");
    return body.items[0] ?? null;
  };
  const storedRows = async (batchId: string) => {
    const { rows } = await rowmill.ctx.pool.query<{ rows: number; distinct: number; last: number }>(
      "SELECT count(*)::int AS rows, count(DISTINCT row_number)::int AS distinct, max(row_number) AS last FROM batch_rows WHERE batch_id = $1",
      [batchId],
    );
    return rows[0];
  };

  test("that is slow is `receiving`, holds no connection and no transaction meanwhile, and ends well", async () => {
    const user = await rowmill.newUser();
    let seen: BatchView | null = null;
    async function* body() {
      yield partHead() + HEADER + lines(FIRST_LINES);
      seen = await until("the batch is listed", () => onlyBatch(user));
      await holdsNothing(rowmill);
      yield lines(60_000, FIRST_LINES);
      const { id } = seen;
      await until("a segment is stored", async () => ((await storedRows(id))?.rows ?? 0) > 0);
      await holdsNothing(rowmill);
      expect((await user.batch(id)).body).toMatchObject({ state: "receiving", queued_at: null });
      const jobs = await rowmill.ctx.pool.query("SELECT FROM pgboss.job");
      expect(jobs.rowCount).toBe(0);
      yield lines(50, FIRST_LINES + 60_000);
      yield END;
    }
    const { status, body: batch } = await sendStream<BatchView>(user, body);
    expect(status).toBe(202);
    expect(seen).toMatchObject({ id: batch.id, state: "receiving", counts: { success: 0, failed: 0 } });
    expect(batch.state).toBe("queued");
    const total = FIRST_LINES + 60_050;
    expect(batch.counts).toEqual({
      total,
      pending: total,
      processing: 0,
      success: 0,
      failed: 0,
      unprocessed: 0,
      undone: 0,
    });
    expect(await storedRows(batch.id)).toEqual({ rows: total, distinct: total, last: total + 1 });
    await holdsNothing(rowmill);
  });

  test("of 30 MB is stored whole, with its chunks and jobs", async () => {
    const user = await rowmill.newUser();
    const count = 300_000;
    const filler = "x".repeat(60);
    const block = (from: number) =>
      Array.from(
        { length: 10_000 },
        (_, index) => `Title ${from + index},Author,"${filler} ""quoted"" ${from}"\n`,
      ).join("");
    const content = [HEADER, ...Array.from({ length: count / 10_000 }, (_, index) => block(index * 10_000))];
    const file = new Blob(content);
    expect(file.size).toBeGreaterThan(30e6);
    const { status, body: batch } = await user.upload(file);
    expect(status).toBe(202);
    expect(batch.counts).toEqual({
      total: count,
      pending: count,
      processing: 0,
      success: 0,
      failed: 0,
      unprocessed: 0,
      undone: 0,
    });
    expect(await storedRows(batch.id)).toEqual({ rows: count, distinct: count, last: count + 1 });
    const { rows } = await rowmill.ctx.pool.query(
      `SELECT sum(row_count)::int AS rows, min(first_row) AS first, max(last_row) AS last,
        count(*) = (SELECT count(*) FROM pgboss.job WHERE data->>'batchId' = $1) AS each_has_its_job
       FROM chunks WHERE batch_id = $1::uuid`,
      [batch.id],
    );
    expect(rows).toEqual([{ rows: count, first: 2, last: count + 1, each_has_its_job: true }]);
    const last = await user.get(`/api/v1/batches/${batch.id}/rows/${count + 1}`);
    expect(last.body).toMatchObject({
      status: "pending",
      fields: { title: `Title ${count - 1}`, description: `${filler} "quoted" ${count - 10_000}` },
    });
  });

  test("of 5,000 columns keeps them all", async () => {
    const user = await rowmill.newUser();
    const names = Array.from({ length: 4998 }, (_, index) => `c${index}`);
    const content = `title,author,${names}\nEmma,Austen,${names.map((name) => `${name}!`)}\n`;
    const { status, body: batch } = await user.upload(content);
    expect(status).toBe(202);
    expect(batch.header).toEqual(["title", "author", ...names]);
    const [row] = await user.rows(batch.id);
    expect(Object.keys(row?.fields ?? {})).toHaveLength(5000);
    expect(row?.fields).toMatchObject({ title: "Emma", c0: "c0!", c4997: "c4997!" });
  });
});
