import { describe, expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import type { Problem } from "../../support/client.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({
  settings: { UPLOAD_MAX_ROWS: "100", HEADER_NAME_MAX_BYTES: "20" },
  worker: true,
});
const user = useUser(rowmill);

async function imported(content: string | Buffer, options: Record<string, string> = {}) {
  const query = new URLSearchParams({ target: "records", force: "true", ...options });
  const { status, body } = await user.upload<BatchView>(content, `/api/v1/batches?${query}`);
  expect(status).toBe(202);
  const batch = await user.finished(body.id);
  const rows = await user.rows(batch.id);
  return { batch, rows: rows.map(({ row, status, fields }) => [row, status, Object.values(fields)]) };
}

async function refusalOf(content: string, options: Record<string, string> = {}) {
  const query = new URLSearchParams({ target: "records", ...options });
  const { status, body } = await user.upload<Problem>(content, `/api/v1/batches?${query}`);
  return { status, detail: body.detail, fields: Object.keys(body.field_errors ?? {}) };
}

describe("a batch says how its file was read", () => {
  test("a batch shows its detected dialect", async () => {
    const content = Buffer.from("Nombre ; PRECIO;\r\n'Caf\xe9; solo';1,5;\r\n\r\n'T\xe9';2,0;\r\n", "latin1");
    const { batch, rows } = await imported(content);
    expect(batch.dialect).toEqual({
      encoding: "windows-1252",
      encoding_confidence: expect.any(Number),
      bom: false,
      delimiter: ";",
      delimiter_confidence: expect.any(Number),
      quote: "'",
      escape: "double",
      padded_quotes: false,
      newline: "crlf",
      header: true,
      header_confidence: expect.any(Number),
      header_from: "guessed",
      header_rows: 1,
      skip_lines: 0,
      preamble_rows: 0,
    });
    expect(batch.header).toEqual(["Nombre", "PRECIO"]);
    expect(rows).toEqual([
      [2, "success", ["Café; solo", "1,5"]],
      [4, "success", ["Té", "2,0"]],
    ]);
  });

  test("a batch shows a given dialect and its row numbers", async () => {
    const { batch, rows } = await imported("Report\n'a|b'|c\\'\n1|2\n", {
      delimiter: "pipe",
      quote: "none",
      header: "false",
      columns: "x,y,z",
      skip_lines: "1",
      encoding: "utf-8",
    });
    expect(batch.dialect).toMatchObject({ delimiter: "|", quote: "", header: false, skip_lines: 1 });
    expect(batch.header).toEqual(["x", "y", "z"]);
    expect(rows).toEqual([
      [2, "success", ["'a", "b'", "c\\'"]],
      [3, "success", ["1", "2"]],
    ]);
  });

  test("a batch counts irregular rows that it kept", async () => {
    const content = Buffer.concat([
      Buffer.from("a,b\nü\n1,2,3\nß,"),
      Buffer.from([0xff]),
      Buffer.from("\n1,2,,\n"),
    ]);
    const { batch, rows } = await imported(content);
    expect(batch.warnings).toEqual({
      missing_fields: 1,
      extra_fields: 1,
      replaced_characters: 1,
      blank_rows: 0,
      repeated_headers: 0,
      other_table_rows: 0,
      guessed_characters: 0,
    });
    expect(rows).toEqual([
      [2, "success", ["ü"]],
      [3, "success", ["1", "2", "3"]],
      [4, "success", ["ß", "\uFFFD"]],
      [5, "success", ["1", "2"]],
    ]);
  });
});

test("a strict target fails rows with extra fields but accepts a trailing delimiter", async () => {
  const content = "title;author\nEmma;Austen\nDune;Herbert;;;\nUlysses;Joyce;x\n";
  const { batch, rows } = await imported(content, { target: "books" });
  expect(batch.header).toEqual(["title", "author"]);
  expect(rows).toEqual([
    [2, "success", ["Emma", "Austen"]],
    [3, "success", ["Dune", "Herbert"]],
    [4, "failed", ["Ulysses", "Joyce", "x"]],
  ]);
  expect(batch.warnings).toMatchObject({ extra_fields: 1 });
});

test("a file that is not a plain table is read by what it is", async () => {
  const content =
    'Report of May\n\nid; name; n\n1; "Al"; 2\n; ; \n2; B"o; 3\n3; "C; 4\n4; D; 5\nid; name; n\n5; E; 6\nid; name\n9; Z\n';
  const { batch, rows } = await imported(content);
  expect(batch.dialect).toMatchObject({ delimiter: "; ", preamble_rows: 2, header_rows: 1 });
  expect(batch.header).toEqual(["id", "name", "n"]);
  expect(batch.warnings).toMatchObject({ blank_rows: 1, repeated_headers: 1, other_table_rows: 2 });
  expect(rows).toEqual([
    [4, "success", ["1", "Al", "2"]],
    [6, "success", ["2", 'B"o', "3"]],
    [7, "failed", ["3", '"C', "4"]],
    [8, "success", ["4", "D", "5"]],
    [10, "success", ["5", "E", "6"]],
  ]);
});

test("the options of an upload override what a file says of itself", async () => {
  const { batch, rows } = await imported("a, b\nc, d\n,\n1, 2\na, b\n3, 4\n", {
    delimiter: "comma",
    header_rows: "2",
    skip_blank_rows: "false",
    tables: "all",
  });
  expect(batch.header).toEqual(["a c", "b d"]);
  expect(batch.dialect).toMatchObject({ delimiter: ",", header_rows: 2, header_from: "given" });
  expect(rows.map(([row, , fields]) => [row, fields])).toEqual([
    [3, ["", ""]],
    [4, ["1", " 2"]],
    [5, ["a", " b"]],
    [6, ["3", " 4"]],
  ]);
});

describe("a file with only a header", () => {
  const upload = (options: string) =>
    user.upload<BatchView>("title,author\n\n", `/api/v1/batches?target=books&force=true&${options}`);

  test.each(["policy=partial", "policy=atomic", "rows_per_second=10"])(
    "a file with only a header is a batch without rows that is completed at once: %s",
    async (options) => {
      const { status, body } = await upload(options);
      expect(status).toBe(202);
      expect(body).toMatchObject({ state: "completed", counts: { total: 0, pending: 0 }, seconds_left: 0 });
      expect(await user.rows(body.id)).toEqual([]);
      await user.post(`/api/v1/batches/${body.id}/undo`);
      const undone = await user.finished(body.id);
      expect(undone).toMatchObject({ state: "undone", reason: expect.stringContaining("0 reverted") });
    },
  );

  test("a file with only a header is a dry run that can be committed", async () => {
    const { body } = await upload("dry_run=true");
    expect(body.state).toBe("validated");
    const committed = await user.post<BatchView>(`/api/v1/batches/${body.id}/commit`);
    expect(committed.body).toMatchObject({ state: "completed", counts: { total: 0 } });
  });
});

describe("what can't be is refused by its name", () => {
  test.each([
    [400, "delimiter", { delimiter: ";;" }],
    [400, "delimiter", { delimiter: "\n" }],
    [400, "delimiter", { delimiter: "x", quote: "x" }],
    [400, "quote", { quote: "''" }],
    [400, "encoding", { encoding: "latin-7" }],
    [400, "escape", { escape: "caret" }],
    [400, "skip_lines", { skip_lines: "-1" }],
    [400, "columns", { columns: "one" }],
    [400, "header_rows", { header_rows: "11" }],
    [400, "header_rows", { header_rows: "2", header: "false" }],
    [400, "tables", { tables: "second" }],
    [400, "skip_blank_rows", { skip_blank_rows: "maybe" }],
  ])("an invalid dialect answers %i for %s: %o", async (status, field, options) => {
    const refusal = await refusalOf("a,b\n1,2\n", options);
    expect(refusal.status).toBe(status);
    expect(`${refusal.fields} ${refusal.detail}`).toContain(field);
  });

  test.each([
    ["UPLOAD_MAX_ROWS", `a,b\n${"1,2\n".repeat(101)}`],
    ["HEADER_NAME_MAX_BYTES", `a,${"é".repeat(11)}\n1,2\n`],
    ["UPLOAD_MAX_COLUMNS", `a,b\n1,2\n${",".repeat(1000)}\n`],
  ])("a file over %s answers 413 and leaves nothing", async (limit, content) => {
    const left = () => rowmill.ctx.pool.query("SELECT id FROM rowmill.batches");
    const before = (await left()).rowCount;
    const refusal = await refusalOf(content);
    expect(refusal.status).toBe(413);
    expect(refusal.detail).toContain(limit);
    expect((await left()).rowCount).toBe(before);
  });
});
