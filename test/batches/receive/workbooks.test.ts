/** Excel workbooks are uploaded as CSV files are: the same options, limits, answers and rows. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import { handlers } from "../../../src/handlers.ts";
import type { TaskView } from "../../../src/tasks/views.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { endedTask } from "../../support/tasks.ts";
import { until } from "../../support/until.ts";
import { type Form, type Uploaded, uploadForm } from "../../support/upload-form.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";
import { type Cell, type WorkbookSpec, workbook, zip } from "../../support/workbooks.ts";

const rowmill = useRowmill({ worker: true, settings: { WORKBOOK_MAX_BYTES: "3000000" } });
const user = useUserPerTest(rowmill);

const bytesOf = (spec: WorkbookSpec | readonly (readonly Cell[])[]) => new Uint8Array(workbook(spec));
const BOOKS = bytesOf([
  ["Title", "Author", "Description"],
  ["Emma", "Jane Austen", "a novel"],
  ["1984", null],
  [1984, "George Orwell"],
]);

const upload = <T = Uploaded>(content: Uint8Array<ArrayBuffer>, form: Form = {}) =>
  uploadForm<T>(user, content, { filename: "books.xlsx", ...form });
const refused = (content: Uint8Array<ArrayBuffer>, query = {}) => upload<Problem>(content, { query });

/** Unfinished files of the user, and pieces of files. */
const spooled = ({ userId }: Client) =>
  count(
    rowmill.ctx.pool,
    `SELECT (SELECT count(*) FROM rowmill.files WHERE user_id = $1)
      + (SELECT count(*) FROM rowmill.file_chunks JOIN rowmill.files ON id = file_id WHERE user_id = $1) AS count`,
    [userId],
  );

test("the rows of a workbook become books, and a row with an error fails alone", async () => {
  const { status, body } = await upload(BOOKS);
  expect(status).toBe(202);
  expect(body).toMatchObject({
    filename: "books.xlsx",
    header: ["Title", "Author", "Description"],
    mapping: { title: "Title", author: "Author" },
    dialect: { format: "xlsx", sheet: "Sheet1", header: true, header_rows: 1 },
    warnings: {},
    counts: { total: 3 },
  });
  const batch = await user.finished(body.id);
  expect(batch).toMatchObject({ state: "completed_with_errors", counts: { success: 2, failed: 1 } });
  const rows = await user.rows(batch.id);
  expect(rows.map(({ row, status, fields }) => [row, status, fields.Title])).toEqual([
    [2, "success", "Emma"],
    [3, "failed", "1984"],
    [4, "success", "1984"],
  ]);
  expect(rows[1]).toMatchObject({ error_message: "author is required", fields: { Author: "" } });
  expect(await spooled(user)).toBe(0);
});

test("a workbook can be the body itself, also with gzip, and needs no name", async () => {
  const send = (body: Uint8Array<ArrayBuffer>, type: string, headers = {}) =>
    user.send<Uploaded>("POST", "/api/v1/batches?dry_run=true", {
      body,
      headers: { "content-type": type, ...headers },
    });
  const type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  expect(await send(BOOKS, type)).toMatchObject({
    status: 202,
    body: { filename: "upload.xlsx", counts: { total: 3 } },
  });
  const packed = new Uint8Array(gzipSync(BOOKS));
  expect(await send(packed, type, { "content-encoding": "gzip" })).toMatchObject({ status: 202 });
  expect(await send(packed, "application/gzip")).toMatchObject({ status: 202 });
  expect(await send(BOOKS, "text/csv")).toMatchObject({ status: 202 });
});

describe("the options", () => {
  const two = bytesOf({
    sheets: [
      { name: "Notes", rows: [["nothing"]] },
      { name: "Books", rows: [["A report"], ["Title", "Author"], ["Emma", "Jane Austen"]] },
    ],
  });

  test("sheet, skip_lines, header, columns and mapping work as for CSV", async () => {
    const read = async (query: Record<string, string>) =>
      (await upload(two, { query: { sheet: "Books", target: "records", ...query } })).body;
    expect(await read({})).toMatchObject({
      header: ["Title", "Author"],
      dialect: { sheet: "Books", preamble_rows: 1 },
    });
    expect(await read({ sheet: "2" })).toMatchObject({ dialect: { sheet: "Books" } });
    expect(await read({ sheet: "books", skip_lines: "2", header: "false", columns: "a,b" })).toMatchObject({
      header: ["a", "b"],
      counts: { total: 1 },
    });
    const { body } = await upload(two, {
      fields: { sheet: "Books", mapping: '{"Title": "author", "Author": "title"}' },
    });
    expect(body.mapping).toMatchObject({ author: "Title", title: "Author" });
  });

  test.each<[query: Record<string, string>, field: string, message: string]>([
    [{ sheet: "Bookz" }, "sheet", 'The workbook has no sheet "Bookz". Its sheets: "Notes", "Books".'],
    [{ sheet: "3" }, "sheet", "has no sheet"],
    [{ delimiter: "semicolon" }, "delimiter", "is for CSV, but the file is an Excel workbook. Leave it out."],
    [{ quote: "none" }, "quote", "is for CSV"],
    [{ escape: "double" }, "escape", "is for CSV"],
    [{ encoding: "latin1" }, "encoding", "is for CSV"],
    [{ sheet: "Books", skip_lines: "9" }, "file", 'The sheet "Books" has no text after the 9 lines'],
    [{}, "file", "no column"],
  ])("%j are refused", async (query, field, message) => {
    const { status, body } = await refused(two, query);
    expect([status, Object.keys(body.field_errors)]).toEqual([400, [field]]);
    expect(body.detail).toContain(message);
    expect(await spooled(user)).toBe(0);
  });

  test("sheet is refused for CSV, and other archives and old workbooks are refused by name", async () => {
    const csv = new Uint8Array(Buffer.from("title,author\nEmma,Jane Austen\n"));
    expect((await refused(csv, { sheet: "1" })).body.detail).toContain(
      "is for Excel workbooks, but the file is not one",
    );
    const archive = new Uint8Array(zip([{ name: "books.csv", content: "title,author\n" }]));
    expect(await refused(archive)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("is an archive") },
    });
    const old = new Uint8Array(Buffer.from("d0cf11e0a1b11ae10000", "hex"));
    expect((await refused(old)).body.detail).toContain(
      "is an old Excel workbook (.xls), a workbook with a password",
    );
    expect(await spooled(user)).toBe(0);
  });

  test("the sheet is a part of what makes two uploads the same", async () => {
    const both = bytesOf({
      sheets: ["A", "B"].map((name) => ({
        name,
        rows: [
          ["title", "author"],
          [`Emma ${name}`, "Jane Austen"],
        ],
      })),
    });
    const first = await upload(both, { query: { sheet: "A" } });
    const again = await upload(both, { query: { sheet: "A" } });
    expect([again.status, again.body.replayed, again.body.id]).toEqual([200, true, first.body.id]);
    expect((await upload(both, { query: { sheet: "B" } })).status).toBe(202);

    const headers = { "idempotency-key": "k-1" };
    const keyed = await upload(both, { query: { sheet: "A", force: "true" }, headers });
    const repeated = await upload(both, { query: { sheet: "A", force: "true" }, headers });
    expect([repeated.status, repeated.body.id]).toEqual([202, keyed.body.id]);
    const other = await upload<Problem>(both, { query: { sheet: "B", force: "true" }, headers });
    expect([other.status, other.body.code]).toEqual([422, "key_reused"]);
    expect(await spooled(user)).toBe(0);
  });
});

test("a workbook beyond a limit is refused with the limit, and leaves nothing", async () => {
  const noise = Buffer.from(Array.from({ length: 3_000_001 }, (_, at) => (at * 48_271 * at) % 251));
  const large = bytesOf({
    sheets: [{ name: "A" }],
    parts: [{ name: "noise", content: Buffer.concat([noise, noise]) }],
  });
  const bomb = bytesOf({ sheets: [{ name: "A", xml: "<row><c><v>1</v></c></row>".repeat(1_000_000) }] });
  for (const [file, limit] of [
    [new Uint8Array([...large.subarray(0, 8), ...new Uint8Array(3_000_000)]), "WORKBOOK_MAX_BYTES"],
    [bomb, "200 times"],
  ] as const) {
    const { status, body } = await upload<Problem>(file, {
      query: { columns: "title", header: "false", target: "records" },
    });
    expect([status, body.code]).toEqual([413, "too_large"]);
    expect(body.detail).toContain(limit);
    expect(await spooled(user)).toBe(0);
  }
  expect(
    await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.batches WHERE user_id = $1", [user.userId]),
  ).toBe(0);
});

test("a sheet with only empty rows below its header is refused, and empty rows after data are left out", async () => {
  const header =
    '<row r="1"><c t="inlineStr"><is><t>title</t></is></c><c t="inlineStr"><is><t>author</t></is></c></row>';
  const empty = Array.from(
    { length: 5000 },
    (_, at) => `<row r="${at + 3}"><c r="A${at + 3}" s="0"/></row>`,
  ).join("");
  const { status, body } = await upload<Problem>(bytesOf({ sheets: [{ name: "A", xml: header + empty }] }));
  expect([status, body.field_errors.file?.[0]]).toEqual([400, expect.stringMatching(/no row with a value/)]);
  expect(await spooled(user)).toBe(0);
  const data =
    '<row r="2"><c t="inlineStr"><is><t>Emma</t></is></c><c t="inlineStr"><is><t>Austen</t></is></c></row>';
  const { body: batch } = await upload(bytesOf({ sheets: [{ name: "A", xml: header + data + empty }] }));
  expect(batch.counts.total).toBe(1);
});

test("a formula without a result fails its row with a reason", async () => {
  const file = bytesOf([
    ["title", "author"],
    [{ xml: '<c r="A2"><f>B2</f></c>' }, "Jane Austen"],
    ["Emma", "Jane Austen"],
  ]);
  const { body } = await upload(file);
  await user.finished(body.id);
  const [row] = await user.rows(body.id, "failed");
  expect(row).toMatchObject({ row: 2, error_code: "malformed" });
  expect(row?.error_message).toContain("Cell A2 has a formula without a result.");
});

test("corrections can be a workbook", async () => {
  const { body } = await upload(BOOKS);
  await user.finished(body.id);
  const correction = bytesOf([
    ["Title", "Author", "_row"],
    ["1984", "G. Orwell", 3],
  ]);
  const form = new FormData();
  form.set("file", new Blob([correction]), "failed.xlsx");
  const answer = await user.send("POST", `/api/v1/batches/${body.id}/corrections`, { body: form });
  expect(answer).toMatchObject({ status: 202, body: { corrected: 1, retried: 1 } });
  expect(await user.finished(body.id)).toMatchObject({ counts: { success: 3, failed: 0 } });
  expect(await spooled(user)).toBe(0);
});

test("a batch_import task imports a workbook that was uploaded as a file", async () => {
  const form = new FormData();
  form.set("file", new Blob([BOOKS]), "books.xlsx");
  const { body: file } = await user.send<{ id: string }>("POST", "/api/v1/files", { body: form });
  const request = { type: "batch_import", file_id: file.id, params: { mode: "append", sheet: "1" } };
  const { body: task } = await user.post<TaskView>("/api/v1/tasks", request);
  const { result } = await endedTask(rowmill.ctx, task.id);
  expect(result).toMatchObject({ counts: { total: 3, success: 2, failed: 1 } });
  expect((await user.get<BatchView>(`/api/v1/batches/${result?.batch_id}`)).body).toMatchObject({
    dialect: { format: "xlsx" },
  });
});

test("many uploads at once are read without mixing their rows, and somebody else sees none of them", async () => {
  const other = await rowmill.newUser();
  const files = Array.from({ length: 6 }, (_, at) =>
    bytesOf([["title", "author"], ...Array.from({ length: 300 }, (_, row) => [`${at}-${row}`, "Austen"])]),
  );
  const answers = await Promise.all(files.map((file) => upload(file, { query: { dry_run: "true" } })));
  for (const [at, { status, body }] of answers.entries()) {
    expect(status).toBe(202);
    await user.finished(body.id);
    const titles = (await user.rows(body.id)).map(({ fields }) => fields.title?.split("-")[0]);
    expect(new Set(titles)).toEqual(new Set([String(at)]));
    expect((await other.batch(body.id)).status).toBe(404);
  }
  expect(await spooled(user)).toBe(0);
});

describe("the stored file", () => {
  /** Sends the beginning of a workbook, and goes on when the server has stored some of it. */
  async function sendHalf(stop: AbortSignal) {
    async function* body() {
      yield new Uint8Array([...BOOKS.subarray(0, 64), ...new Uint8Array(2_000_000)]);
      await new Promise((_, reject) => stop.addEventListener("abort", () => reject(new Error("stopped"))));
    }
    return user
      .send("POST", "/api/v1/batches", {
        headers: { "content-type": "text/csv" },
        body: ReadableStream.from(body()),
        duplex: "half",
        signal: stop,
      })
      .catch(() => null);
  }

  test("the stored file is removed when the client stops, and is never listed", async () => {
    const stop = new AbortController();
    const sending = sendHalf(stop.signal);
    await until("a part is stored", async () => (await spooled(user)) > 1);
    expect((await user.get<{ items: object[] }>("/api/v1/files")).body.items).toEqual([]);
    stop.abort();
    await sending;
    await until("nothing is stored", async () => (await spooled(user)) === 0);
  });

  test("the stored file of a process that died is removed by the reconciler", async () => {
    const stop = new AbortController();
    const sending = sendHalf(stop.signal);
    await until("a part is stored", async () => (await spooled(user)) > 1);
    const ctx = { ...rowmill.ctx, now: () => new Date(Date.now() + 3_600_000) };
    const job = { payload: {}, delivery: { signal: new AbortController().signal }, tx: ctx } as never;
    await handlers.reconcile(ctx, job);
    expect(await spooled(user)).toBe(0);
    stop.abort();
    await sending;
  });

  test("the stored file counts for the quota of files", async () => {
    await using small = await startRowmill({ FILES_QUOTA_BYTES: "1000000" });
    const someone = await small.newUser();
    const filler = Buffer.from(Array.from({ length: 1_100_000 }, (_, at) => (at * at * 7919) % 251));
    const file = new Uint8Array([...BOOKS.subarray(0, 64), ...filler]);
    const { status, body } = await uploadForm<Problem>(someone, file);
    expect(status).toBe(413);
    expect(body.detail).toContain("FILES_QUOTA_BYTES");
    expect((await uploadForm(someone, BOOKS)).status).toBe(202);
  });
});
