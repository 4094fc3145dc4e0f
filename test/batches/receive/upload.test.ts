import { describe, expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import { BOUNDARY, END, HEADER, partHead, sendRaw, UPLOAD } from "../../support/raw-upload.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

describe("an upload", () => {
  const rowmill = useRowmill({ worker: true });

  test("an upload becomes a batch whose rows become books", async () => {
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

  test("an upload of unusual bytes fails only the invalid rows, each with a reason", async () => {
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
      total: 11,
      pending: 0,
      processing: 0,
      success: 5,
      failed: 6,
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
    ]);
    expect(rows[6]?.error_message).toContain("4 fields, but the header has 3");
    expect(rows[7]?.error_message).toContain("not doubled");
    expect(rows.map(({ fields }) => fields)).toEqual([
      { title: "Good", author: "One", description: "" },
      { title: "N\0UL", author: "Two", description: "" },
      { title: "Bad \uFFFD\uFFFD(", author: "Three", description: "" },
      { title: '5" disk', author: "Four", description: '3.5"' },
      { title: "Short" },
      { title: "Few", author: "Six" },
      { title: "Many", author: "Seven", description: "x", _extra: "y" },
      { title: 'quo"te', author: "Eight", description: "d" },
      { title: "😀 日本", author: "Ñiñe", description: "👩‍🚀" },
      { title: " ", author: "Ten", description: "" },
      { title: "Back\\slash\\N\\.", author: "Tab\tbed", description: "\\" },
    ]);
    expect(batch.warnings).toMatchObject({ blank_rows: 1 });
    expect(books.map(({ title, author, description }) => [title, author, description])).toEqual([
      ["Good", "One", ""],
      ['5" disk', "Four", '3.5"'],
      ["Few", "Six", ""],
      ["😀 日本", "Ñiñe", "👩‍🚀"],
      ["Back\\slash\\N\\.", "Tab\tbed", "\\"],
    ]);
  });

  test("cells under names such as __proto__ are returned", async () => {
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

  test("every cell of a row with too many fields is returned", async () => {
    const { rows } = await process("title,author,column_4\nEmma,Austen,third,fourth\n");
    expect(rows[0]?.status).toBe("failed");
    expect(Object.values(rows[0]?.fields ?? {}).toSorted()).toEqual(["Austen", "Emma", "fourth", "third"]);
  });

  test("a header may contain NUL and invalid bytes", async () => {
    const { batch, rows } = await process(
      Buffer.concat([Buffer.from("title,author,x\0y,"), Buffer.from([0xff]), Buffer.from("\na,b,c,d\n")]),
    );
    expect(batch.header.slice(0, 2)).toEqual(["title", "author"]);
    expect(rows.map(({ status, fields }) => [status, ...Object.values(fields)])).toEqual([
      ["success", "a", "b", "c", "d"],
    ]);
  });

  test("an upload may have very long lines", async () => {
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
  ])("an upload in %s is decoded", async (_, content) => {
    const { books } = await process(content);
    expect(books).toMatchObject([{ title: "Größe", author: "日本", description: "😀" }]);
  });

  test.each([
    ["Größe 日本 😀.csv", "Größe 日本 😀.csv"],
    ["'; DROP TABLE rowmill.books; --.csv", "'; DROP TABLE rowmill.books; --.csv"],
    ["<b>&amp;\t.csv", "<b>&amp;\uFFFD.csv"],
    ["../../etc/passwd", "passwd"],
    ["%s%n$(id)`id`.csv", "%s%n$(id)`id`.csv"],
    [`${"long".repeat(500)}.csv`, `${"long".repeat(63).slice(0, 251)}.csv`],
    ["", "upload.csv"],
  ])("the file name %j is kept as data", async (filename, expected) => {
    const user = await rowmill.newUser();
    const { status, body } = await user.upload(`${HEADER}Emma,Austen,\n`, UPLOAD, filename);
    expect(status).toBe(202);
    expect(body.filename).toBe(expected);
    expect((await user.batch(body.id)).body.filename).toBe(body.filename);
  });

  test("a file name with a NUL does not cause a 5xx", async () => {
    const user = await rowmill.newUser();
    const body = `${partHead("name=\"file\"; filename*=UTF-8''a%00b.csv")}${HEADER}Emma,Austen,\n${END}`;
    const { status } = await sendRaw<Record<string, unknown>>(user, body);
    expect(status).toBeLessThan(500);
  });

  test("a legacy upload may have text fields before and after the file", async () => {
    const user = await rowmill.newUser();
    const field = (name: string) =>
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nx\r\n`;
    const body = `${field("before")}${partHead()}${HEADER}Emma,Austen,\n\r\n${field("after")}--${BOUNDARY}--\r\n`;
    expect((await sendRaw(user, body, undefined, "/bulk-upload/")).status).toBe(202);
    const { body: batches } = await user.get<{ items: BatchView[] }>("/api/v1/batches");
    expect((await user.finished(batches.items[0]?.id ?? "")).counts.success).toBe(1);
  });
});
