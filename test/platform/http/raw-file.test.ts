/** Files that are the whole body, compressed bodies, and forms with unusual parts. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { command, deliverChunk } from "../../support/batches.ts";
import type { Problem } from "../../support/client.ts";
import { END, MULTIPART, partHead, sendRaw, UPLOAD } from "../../support/raw-upload.ts";
import { startRowmill } from "../../support/rowmill.ts";
import type { Uploaded } from "../../support/upload-form.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { UPLOAD_MAX_BYTES: "200000" } });
const user = useUserPerTest(rowmill);

const CSV = "title,author\nEmma,Jane Austen\nGr\u00FC\u00DFe,Zo\u00EB\n";
const AS_CSV = { "content-type": "text/csv" };

describe("a CSV file as the body", () => {
  test.each<[what: string, body: Buffer, headers: Record<string, string>]>([
    ["a CSV file", Buffer.from(CSV), AS_CSV],
    [
      "a CSV file with a charset",
      Buffer.from(CSV, "latin1"),
      { "content-type": 'text/csv; charset="iso-8859-1"' },
    ],
    ["a gzip file", gzipSync(CSV), { "content-type": "application/gzip" }],
    ["a CSV file with the coding gzip", gzipSync(CSV), { ...AS_CSV, "content-encoding": "gzip" }],
    ["a CSV file with the coding deflate", deflateSync(CSV), { ...AS_CSV, "content-encoding": "deflate" }],
    ["a CSV file with the coding br", brotliCompressSync(CSV), { ...AS_CSV, "content-encoding": "br" }],
    ["a gzip file with the coding gzip", gzipSync(gzipSync(CSV)), { ...AS_CSV, "content-encoding": "GZIP" }],
    ["a CSV file with the coding identity", Buffer.from(CSV), { ...AS_CSV, "content-encoding": "identity" }],
  ])("%s is imported", async (_, body, headers) => {
    const disposition = { "content-disposition": 'attachment; filename="../books.csv"' };
    const { status, body: batch } = await sendRaw<Uploaded>(user, body, {
      ...headers,
      ...disposition,
    });
    expect([status, batch]).toMatchObject([202, { filename: "books.csv", counts: { total: 2 } }]);
    const rows = await user.rows(batch.id);
    expect(rows.map(({ fields }) => fields.title)).toEqual(["Emma", "Gr\u00FC\u00DFe"]);
  });

  test("the same body is answered with the first batch, and options are query parameters", async () => {
    const first = await sendRaw<Uploaded>(user, CSV, AS_CSV);
    const again = await sendRaw<Uploaded>(user, CSV, AS_CSV);
    expect([first.status, again.status, again.body.id]).toEqual([202, 200, first.body.id]);
    const dry = await sendRaw<Uploaded>(user, CSV, AS_CSV, `${UPLOAD}&dry_run=true`);
    expect([dry.status, dry.body.dry_run]).toEqual([202, true]);
  });

  test.each<[what: string, body: Buffer, headers: Record<string, string>, status: number, detail: string]>([
    [
      "too large",
      Buffer.from(CSV + "Emma,Jane Austen\n".repeat(20_000)),
      AS_CSV,
      413,
      "The file is larger than 200000 bytes (UPLOAD_MAX_BYTES).",
    ],
    [
      "too large when it is unpacked",
      gzipSync(CSV.repeat(10_000)),
      { ...AS_CSV, "content-encoding": "gzip" },
      413,
      "The content of the compressed file is larger than 200000 bytes (UPLOAD_MAX_BYTES). Split it into smaller files.",
    ],
    [
      "not what its coding says",
      Buffer.from(CSV),
      { ...AS_CSV, "content-encoding": "br" },
      400,
      "file: is damaged Brotli data. Compress it again, or send it uncompressed.",
    ],
    [
      "empty",
      Buffer.alloc(0),
      AS_CSV,
      400,
      "file: The file is empty. Send a table with or without a header.",
    ],
    [
      "of another type",
      Buffer.from(CSV),
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "Send the file as multipart/form-data in the field `file`, or as the body with `Content-Type: text/csv`.",
    ],
  ])("a body that is %s is refused", async (_, body, headers, status, detail) => {
    const answer = await sendRaw(user, body, headers);
    expect([answer.status, answer.body.detail]).toEqual([status, detail]);
  });
});

describe("Content-Encoding", () => {
  test("an unknown coding is refused with those that are supported", async () => {
    const { status, headers, body } = await sendRaw(user, CSV, {
      ...AS_CSV,
      "content-encoding": "zstd",
    });
    expect([status, headers.get("accept-encoding")]).toEqual([415, "gzip, x-gzip, deflate, br"]);
    expect(body.detail).toContain("`Content-Encoding: zstd`");
  });

  test.each([
    ["JSON", "/api/v1/tasks", "application/json", gzipSync('{"type":"generic"}')],
    ["a form", UPLOAD, MULTIPART["content-type"], gzipSync(`${partHead()}${CSV}${END}`)],
  ])("%s that is compressed is refused as such", async (_, path, type, body) => {
    const sent = { "content-type": type, "content-encoding": "gzip" };
    const { status, headers, body: problem } = await sendRaw(user, body, sent, path);
    expect([status, headers.get("accept-encoding")]).toEqual([415, "identity"]);
    expect(problem.detail).toBe(
      "The body has `Content-Encoding: gzip`, which is not supported here. Send it uncompressed.",
    );
  });
});

describe("a form", () => {
  const field = (name: string, value: string) =>
    `${partHead(`name="${name}"`).replace("content-type: text/csv\r\n", "")}${value}\r\n`;

  test("the part `file` is the file even without a name", async () => {
    for (const head of [
      partHead('name="file"'),
      partHead('name="file"').replace("content-type: text/csv\r\n", ""),
    ]) {
      const { status, body } = await sendRaw<Uploaded>(
        user,
        `${head}${CSV}${END}`,
        MULTIPART,
        `${UPLOAD}&force=true`,
      );
      expect([status, body]).toMatchObject([202, { filename: "upload.csv", counts: { total: 2 } }]);
    }
  });

  test.each([
    ["before", (unknown: string) => `${unknown}${partHead()}${CSV}${END}`],
    ["after", (unknown: string) => `${partHead()}${CSV}\r\n${unknown.slice(0, -2)}${END}`],
  ])("an unknown field %s the file is refused, and nothing is imported", async (_, bodyOf) => {
    const { status, body } = await sendRaw(user, bodyOf(field("dryrun", "true")));
    expect(status).toBe(400);
    expect(body.field_errors).toEqual({
      dryrun: [expect.stringMatching(/^Unknown field\. Known fields: .*dry_run.*, file\.$/)],
    });
    expect((await user.get("/api/v1/batches")).body).toMatchObject({ items: [] });
  });

  test("an unknown field of a correction is refused", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.client.signUp("ada");
    const { body: batch } = await user.upload("title,author\n,Austen\nEmma,Austen\n");
    await deliverChunk(rowmill.ctx, batch.id);
    const path = `/api/v1/batches/${batch.id}/corrections`;
    const content = `${field("unprocessed", "true")}${partHead()}_row,title\n2,Emma\n${END}`;
    const { status, body } = await sendRaw(user, content, MULTIPART, path);
    expect([status, body.detail]).toEqual([400, "unprocessed: Unknown field. Known fields: file."]);
  });

  test("the replaced services ignore unknown fields, as they did", async () => {
    const content = `${field("csrfmiddlewaretoken", "x")}${partHead()}${CSV}${END}`;
    const { status } = await sendRaw<Problem>(user, content, MULTIPART, "/bulk-upload/");
    expect(status).toBe(202);
  });
});

describe("HEAD", () => {
  test("the results and the events of a batch answer HEAD without a body", async () => {
    const { body: batch } = await user.upload(CSV);
    for (const [path, type] of [
      [`/api/v1/batches/${batch.id}/results/all.csv`, "text/csv; charset=utf-8"],
      [`/api/v1/batches/${batch.id}/events`, "text/event-stream"],
    ] as const) {
      const headers = { authorization: `Bearer ${user.token}` };
      const answer = await fetch(user.url + path, { method: "HEAD", headers });
      expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
        200,
        type,
        "",
      ]);
    }
    await command(user, batch.id, "cancel");
  });
});
