import { describe, expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const FILE = "title,author\nEmma,Austen\n";

const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);

const OPTIONS = {
  target: "books",
  mode: "upsert",
  policy: "partial",
  max_errors: "5%",
  dry_run: "true",
  rows_per_second: "700",
  row_delay_ms: "3",
};

const SHOWN = {
  target: "books",
  mode: "upsert",
  policy: "partial",
  max_errors: "5%",
  dry_run: true,
  rows_per_second_limit: 700,
  row_delay_ms: 3,
};

test("upload options may be query parameters", async () => {
  const { status, body } = await uploadForm(user, FILE, { query: OPTIONS });
  expect([status, body]).toEqual([202, expect.objectContaining(SHOWN)]);
});

test("upload options may be form fields before the file", async () => {
  const { status, body } = await uploadForm(user, FILE, { fields: OPTIONS });
  expect([status, body]).toEqual([202, expect.objectContaining(SHOWN)]);
});

test("the default upload inserts books row by row", async () => {
  const { body } = await uploadForm(await rowmill.newUser(), FILE);
  expect(body).toMatchObject({
    target: "books",
    mode: "insert",
    policy: "partial",
    dry_run: false,
    max_errors: null,
    rows_per_second_limit: null,
    row_delay_ms: 0,
    replayed: false,
  });
});

test("form fields take precedence over query parameters", async () => {
  const { body } = await uploadForm(user, FILE, {
    query: { mode: "insert", dry_run: "true", rows_per_second: "9" },
    fields: { mode: "skip_existing", rows_per_second: "10" },
  });
  expect(body).toMatchObject({ mode: "skip_existing", dry_run: true, rows_per_second_limit: 10 });
});

test("an unknown query parameter is refused", async () => {
  const someone = await rowmill.newUser();
  const { status, body } = await uploadForm<Problem>(someone, FILE, { query: { dryrun: "true" } });
  expect(status).toBe(400);
  expect(body.field_errors.dryrun?.join()).toMatch(/Unknown option. Known options: target, mode, .*dry_run/);
  expect((await someone.get<{ items: object[] }>("/api/v1/batches")).body.items).toEqual([]);
});

test.for(Object.entries(OPTIONS))(
  "the option %s after the file is refused by name",
  async ([name, value]) => {
    const someone = await rowmill.newUser();
    const { status, body } = await uploadForm<Problem>(someone, FILE, { behind: { [name]: value } });
    expect(status).toBe(400);
    expect(body.field_errors).toEqual({ [name]: ["was sent after the file. Send options before the file."] });
    expect((await someone.get<{ items: object[] }>("/api/v1/batches")).body.items).toEqual([]);
  },
);

const BAD: [string, string][] = [
  ["target", "shelves"],
  ["target", ""],
  ["mode", "replace"],
  ["policy", "some"],
  ["max_errors", "0"],
  ["max_errors", "-1"],
  ["max_errors", "1.5"],
  ["max_errors", "101%"],
  ["max_errors", "many"],
  ["dry_run", "maybe"],
  ["force", "7"],
  ["rows_per_second", "0"],
  ["rows_per_second", "1.5"],
  ["rows_per_second", "1000001"],
  ["mapping", "{"],
  ["mapping", "[1]"],
  ["mapping", '{"title": 1}'],
  ["mapping", '{"price": "title"}'],
  ["mapping", '{"title": "price"}'],
  ["encoding", "ebcdic"],
  ["delimiter", "ab"],
  ["delimiter", ""],
  ["delimiter", "\n"],
  ["quote", "ab"],
  ["quote", "\r"],
  ["escape", "none"],
  ["header", "perhaps"],
  ["columns", "title"],
  ["columns", "title,author,price"],
  ["skip_lines", "-1"],
  ["skip_lines", "10001"],
  ["row_delay_ms", "-1"],
  ["row_delay_ms", "600001"],
  ["row_delay_ms", "soon"],
];

test.for(BAD)("%s=%j is refused by name in the query and in the form", async ([name, value]) => {
  const someone = await rowmill.newUser();
  for (const form of [{ query: { [name]: value } }, { fields: { [name]: value } }]) {
    const { status, body } = await uploadForm<Problem>(someone, FILE, form);
    expect([status, Object.keys(body.field_errors)]).toEqual([400, [name]]);
    expect(body.detail).toContain(name);
    expect(body.detail).not.toContain("pattern");
  }
  const { rows } = await rowmill.ctx.pool.query("SELECT FROM rowmill.batches WHERE user_id = $1", [
    someone.userId,
  ]);
  expect(rows).toEqual([]);
});

test("an unsupported mode is refused with the supported ones", async () => {
  const { status, body } = await uploadForm<Problem>(user, FILE, {
    query: { target: "records", mode: "upsert" },
  });
  expect(status).toBe(400);
  expect(body.field_errors.mode?.[0]).toMatch(
    /^The target records does not support upsert\. Use insert or append\./,
  );
});

test("an atomic batch cannot be paced", async () => {
  const { status, body } = await uploadForm<Problem>(user, FILE, {
    query: { policy: "atomic", rows_per_second: "10" },
  });
  expect(status).toBe(400);
  expect(body.field_errors.rows_per_second?.[0]).toMatch(/atomic/);
});

describe("how the file is read", () => {
  async function read(content: string | Buffer<ArrayBuffer>, options: Record<string, string>) {
    const someone = await rowmill.newUser();
    const bytes = new Uint8Array(Buffer.from(content));
    const { status, body } = await uploadForm(someone, bytes, { query: { target: "records", ...options } });
    expect(status, JSON.stringify(body)).toBe(202);
    const rows = await someone.rows(body.id);
    return { dialect: body.dialect, header: body.header, rows: rows.map(({ fields }) => fields) };
  }

  test.for([
    ["semicolon", ";"],
    [";", ";"],
    ["tab", "\t"],
    ["pipe", "|"],
    ["comma", ","],
    ["~", "~"],
  ])("delimiter=%s splits cells only there", async ([delimiter = "", sign = ""]) => {
    const other = sign === "," ? ";" : ",";
    const { dialect, rows } = await read(`a${sign}b\n1${other}5${sign}2${other}5\n`, { delimiter });
    expect(dialect).toMatchObject({ delimiter: sign });
    expect(rows).toEqual([{ a: `1${other}5`, b: `2${other}5` }]);
  });

  test("quote=none leaves quotes as they are", async () => {
    const { dialect, rows } = await read('a,b\n"1,"2\n', { quote: "none" });
    expect(dialect).toMatchObject({ quote: "" });
    expect(rows).toEqual([{ a: '"1', b: '"2' }]);
  });

  test("quote=' sets the quote", async () => {
    const { dialect, rows } = await read("a,b\n'1,5',\"2\"\n", { quote: "'" });
    expect(dialect).toMatchObject({ quote: "'" });
    expect(rows).toEqual([{ a: "1,5", b: '"2"' }]);
  });

  test("escape=backslash unescapes quotes", async () => {
    const { dialect, rows } = await read('a,b\n"say \\"hi\\", he said",2\n', { escape: "backslash" });
    expect(dialect).toMatchObject({ escape: "backslash" });
    expect(rows).toEqual([{ a: 'say "hi", he said', b: "2" }]);
  });

  test("encoding=windows-1252 decodes bytes that would be UTF-8", async () => {
    const { dialect, rows } = await read("a\né\n", { encoding: "windows-1252" });
    expect(dialect).toMatchObject({ encoding: "windows-1252" });
    expect(rows).toEqual([{ a: "Ã©" }]);
  });

  test("header=false makes the first record a row", async () => {
    const { dialect, header, rows } = await read("1,2\n3,4\n", { header: "false", columns: "x, y" });
    expect(dialect).toMatchObject({ header: false });
    expect(header).toEqual(["x", "y"]);
    expect(rows).toEqual([
      { x: "1", y: "2" },
      { x: "3", y: "4" },
    ]);
  });

  test("columns replaces the names of the header", async () => {
    const { header, rows } = await read("Titel,Verfasser\nEmma,Austen\n", { columns: "title,author" });
    expect(header).toEqual(["title", "author"]);
    expect(rows).toEqual([{ title: "Emma", author: "Austen" }]);
  });

  test("skip_lines skips a preamble and keeps the row numbers of the file", async () => {
    const someone = await rowmill.newUser();
    const { body } = await uploadForm(someone, `Report\n2026\n${FILE}`, { query: { skip_lines: "2" } });
    expect(body.dialect).toMatchObject({ skip_lines: 2 });
    expect((await someone.rows(body.id)).map(({ row, fields }) => [row, fields.title])).toEqual([
      [4, "Emma"],
    ]);
  });

  test("a mapping assigns the columns of an upload", async () => {
    const someone = await rowmill.newUser();
    const { body } = await uploadForm(someone, "Work,By,Title\nEmma,Austen,novel\n", {
      fields: { mapping: JSON.stringify({ Work: "title", By: "author", Title: null }) },
    });
    expect(body.mapping).toEqual({ title: "Work", author: "By" });
    await someone.finished(body.id);
    const books = await someone.get<{ items: object[] }>("/api/v1/books");
    expect(books.body.items).toMatchObject([{ title: "Emma", author: "Austen" }]);
  });
});

describe("rows of a results file, uploaded as a new batch", () => {
  const RESULTS =
    "title,author,_row,_status,_error_code,_error,_id\n" +
    "'=1+1,'-x,2,failed,required,author is required,\n" +
    "''=a,'plain,3,failed,required,author is required,\n" +
    "Emma,-5,4,success,,,17\n";

  test("an uploaded results file loses our columns and the marks of its cells", async () => {
    const someone = await rowmill.newUser();
    const { body } = await uploadForm(someone, RESULTS);
    expect(body.header).toEqual(["title", "author"]);
    await someone.finished(body.id);
    expect((await someone.rows(body.id)).map(({ row, fields }) => ({ row, ...fields }))).toEqual([
      { row: 2, title: "=1+1", author: "-x" },
      { row: 3, title: "'=a", author: "'plain" },
      { row: 4, title: "Emma", author: "-5" },
    ]);
    const books = await someone.get<{ items: object[] }>("/api/v1/books");
    expect(books.body.items).toMatchObject([{ title: "=1+1" }, { title: "'=a" }, { title: "Emma" }]);
  });

  test("any other file keeps its marked cells", async () => {
    const someone = await rowmill.newUser();
    const { body } = await uploadForm(someone, "_row,title,author\n'=1,'=2,'=3\n");
    expect(body.header).toEqual(["_row", "title", "author"]);
    expect((await someone.rows(body.id))[0]?.fields).toEqual({ _row: "'=1", title: "'=2", author: "'=3" });
  });
});
