/** The target of an upload: its mapping, its modes, and the roles that can use it. */
import { describe, expect, test } from "vitest";
import { newAdmin } from "../support/admin.ts";
import type { Problem } from "../support/client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);

const path = (options: Record<string, string>) => `/api/v1/batches?${new URLSearchParams(options)}`;
const countBatches = async () => (await rowmill.ctx.pool.query("SELECT FROM rowmill.batches")).rowCount;

const GERMAN = "Titel,Autor,Notiz,author\nEmma,Jane Austen,x,somebody else\n";

describe("a mapping", () => {
  test("a mapping assigns columns and is shown with the batch", async () => {
    const mapping = JSON.stringify({ Titel: "title", Autor: "author", author: null, Notiz: "description" });
    const { status, body } = await user.upload(GERMAN, path({ mapping }));
    expect(status).toBe(202);
    expect(body.mapping).toEqual({ title: "Titel", author: "Autor", description: "Notiz" });
    await user.finished(body.id);
    const { body: books } = await user.get<{ items: object[] }>("/api/v1/books");
    expect(books.items).toMatchObject([{ title: "Emma", author: "Jane Austen", description: "x" }]);
  });

  test("a mapping may be a form field before the file", async () => {
    const form = new FormData();
    form.set("mapping", '{"Titel":"title","Autor":"author"}');
    form.set("file", new Blob([GERMAN]), "bücher.csv");
    const { status, body } = await user.send("POST", path({}), { body: form });
    expect([status, body.mapping]).toEqual([202, { title: "Titel", author: "Autor" }]);
  });

  test("a mapping renames and omits columns of records", async () => {
    const mapping = JSON.stringify({ Notiz: null, author: "2", Titel: "author" });
    const { body } = await user.upload(GERMAN, path({ target: "records", mapping }));
    expect(body.mapping).toEqual({ author: "Titel", Autor: "Autor", "2": "author" });
    await user.finished(body.id);
    const headers = { authorization: `Bearer ${user.token}` };
    const records = await fetch(`${user.url}/api/v1/records?batch_id=${body.id}`, { headers });
    expect(await records.text()).toContain(
      '"data":{"author":"Emma","Autor":"Jane Austen","2":"somebody else"}',
    );
  });

  test.each([
    ["no JSON", "{", /is not JSON/],
    ["no object", "[]", /must be a JSON object/],
    ["numbers", '{"Titel":1}', /must be a JSON object/],
    [
      "a column that the file does not have",
      '{"Title":"title"}',
      /no column "Title".*Titel, Autor, Notiz, author/,
    ],
    [
      "a column that books don't have",
      '{"Titel":"isbn"}',
      /books has no column "isbn".*title, author, description/,
    ],
    ["a column twice", '{"Titel":"title","Notiz":"title"}', /Two columns are mapped to "title"/],
    ["too little", '{"Autor":"author"}', /has a column for "title"/],
  ])("a mapping with %s is refused before any row is stored", async (_, mapping, message) => {
    const before = await countBatches();
    const { status, body } = await user.upload<Problem>(GERMAN, path({ mapping }));
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["mapping"]);
    expect(body.detail).toMatch(message);
    expect(await countBatches()).toBe(before);
  });
});

test("a mode that the target lacks is refused", async () => {
  const { status, body } = await user.upload<Problem>("a\n1\n", path({ target: "records", mode: "upsert" }));
  expect([status, Object.keys(body.field_errors)]).toEqual([400, ["mode"]]);
  const admin = await newAdmin(rowmill);
  const users = await admin.upload<Problem>("username\nx\n", path({ target: "users", mode: "append" }));
  expect([users.status, Object.keys(users.body.field_errors)]).toEqual([400, ["mode"]]);
});

test("only administrators upload accounts", async () => {
  const before = await countBatches();
  const { status, body } = await user.upload<Problem>("username\nintruder\n", path({ target: "users" }));
  expect(status).toBe(403);
  expect(body.detail).toContain("administrator");
  expect((await rowmill.client.upload("username\nintruder\n", path({ target: "users" }))).status).toBe(401);
  expect(await countBatches()).toBe(before);
});

test("an uploaded results file has the same rows, including those that are too long", async () => {
  const file = 'a,b\n1,2\n3,4,5,"=x"\n-6,\n';
  const dataOf = async (id: string) => {
    await user.finished(id);
    const { body } = await user.get<{ items: { data: object }[] }>(`/api/v1/records?batch_id=${id}`);
    return body.items.map(({ data }) => data);
  };
  const { body: first } = await user.upload(file, path({ target: "records" }));
  const expected = [
    { a: "1", b: "2" },
    { a: "3", b: "4", _extra: ["5", "=x"] },
    { a: "-6", b: "" },
  ];
  expect(await dataOf(first.id)).toEqual(expected);
  const { body: results } = await user.get<string>(`/api/v1/batches/${first.id}/results/all.csv`);
  expect(results).toMatch(/^a,b,_row,_status,_error_code,_error,_id,_extra\n/);
  const { body: second } = await user.upload(results, path({ target: "records" }));
  expect(second.header).toEqual(["a", "b"]);
  expect(await dataOf(second.id)).toEqual(expected);
});

test("results files contain no password, and uploading a corrected one keeps unchanged passwords", async () => {
  const admin = await newAdmin(rowmill, "third");
  const file =
    "username,password,email\nthird-a,hidden words,nobody\nthird-b,hidden words,x@y,hidden words\nthird-c,hidden words,\n";
  const { body } = await admin.upload(file, path({ target: "users" }));
  await admin.finished(body.id);
  const results = `/api/v1/batches/${body.id}/results`;
  for (const format of ["csv", "json", "ndjson"]) {
    const text = JSON.stringify((await admin.get(`${results}/all.${format}`)).body);
    expect(text).toContain("***");
    expect(text).not.toContain("hidden words");
  }
  const { body: failed } = await admin.get<string>(`${results}/failed.csv`);
  const corrected = failed.replace("nobody", "a@b");
  expect((await admin.upload(corrected, `/api/v1/batches/${body.id}/corrections`)).status).toBe(202);
  await admin.finished(body.id);
  const logIn = (username: string, password: string) =>
    rowmill.client.post("/api/v1/auth/login", { username, password });
  expect((await logIn("third-a", "hidden words")).status).toBe(200);
  expect((await logIn("third-a", "***")).status).toBe(401);
  expect((await admin.rows(body.id)).map(({ status }) => status)).toEqual(["success", "success", "success"]);
});

test("neither the old nor the new value of a corrected password is shown", async () => {
  const admin = await newAdmin(rowmill, "second");
  const { body } = await admin.upload("username,password\nnew,short-1\n", path({ target: "users" }));
  await admin.finished(body.id);
  const row = `/api/v1/batches/${body.id}/rows/2`;
  const edited = await admin.send("PATCH", row, {
    body: JSON.stringify({ fields: { password: "too-1" } }),
    headers: { "content-type": "application/json" },
  });
  expect(edited.status).toBe(200);
  const shown = JSON.stringify((await admin.get(row)).body);
  expect(shown).toContain("***");
  expect(shown).not.toMatch(/short-1|too-1/);
});
