/** The book endpoints of the Django book upload beyond the requests of its document. */
import { sql } from "drizzle-orm";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { picture, SVG } from "../../support/pictures.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

interface Book {
  id: number;
  title: string;
  author: string;
  description: string;
  picture: string | null;
  picture_url: string | null;
}

const NINETEEN_84 = { title: "1984", author: "George Orwell", description: "A dystopian novel" };

const rowmill = useRowmill();
const owner = useUser(rowmill);
const stranger = useUser(rowmill);

async function make(fields: Record<string, string | Uint8Array> = NINETEEN_84): Promise<Book> {
  const { status, body } = await owner.form<Book>("POST", "/books/", fields);
  expect(status).toBe(201);
  return body;
}

describe("POST /books/", () => {
  test.each(["/books/", "/books"])("POST %s creates a book with its picture and exact keys", async (path) => {
    const fields = { ...NINETEEN_84, picture: await picture("jpeg") };
    const { status, headers, body } = await owner.form<Book>("POST", path, fields, "1984.jpg");
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      ...NINETEEN_84,
      picture: expect.stringMatching(/^\/media\/books\/[0-9a-f-]{36}\.jpg$/),
      picture_url: `${rowmill.config.publicUrl}${body.picture}`,
    });
    expect(headers.get("location")).toBe(`/books/${body.id}/`);
    const image = await rowmill.client.download(String(body.picture_url));
    expect(image.headers.get("content-type")).toBe("image/jpeg");
    expect(await sharp(image.body).metadata()).toMatchObject({ width: 60, height: 40 });

    for (const one of [`/books/${body.id}/`, `/books/${body.id}`])
      expect((await owner.get<Book>(one)).body).toEqual(body);
    const list = await owner.get<Book[]>("/books/");
    expect(list.body.at(-1)).toEqual(body);
  });

  test("POST /books/ accepts JSON and a form without a file", async () => {
    const json = await owner.post<Book>("/books/", NINETEEN_84);
    expect([json.status, json.body]).toEqual([
      201,
      { id: expect.any(Number), ...NINETEEN_84, picture: null, picture_url: null },
    ]);
    const form = await owner.send<Book>("POST", "/books/", {
      body: new URLSearchParams({ title: "Émile & co", author: "Rousseau" }),
    });
    expect([form.status, form.body]).toMatchObject([
      201,
      { title: "Émile & co", author: "Rousseau", description: "" },
    ]);
  });

  test("POST /books/ accepts an existing book", async () => {
    const [one, other] = [await make(), await make()];
    expect(other).toEqual({ ...one, id: other.id });
    expect(other.id).not.toBe(one.id);
  });

  test("POST /books/ answers 400 for missing fields and invalid pictures", async () => {
    const empty = await owner.form<Problem>("POST", "/books/", { description: "alone" });
    expect([empty.status, empty.body.field_errors]).toEqual([
      400,
      { title: ["title is required"], author: ["author is required"] },
    ]);
    const svg = await owner.form<Problem>("POST", "/books/", { ...NINETEEN_84, picture: SVG }, "x.jpg");
    expect([svg.status, Object.keys(svg.body.field_errors)]).toEqual([400, ["picture"]]);
  });
});

describe("POST /books/<id>/edit/", () => {
  test.each(["/", ""])(
    "editing a book changes the sent fields and keeps the rest (ending in %j)",
    async (slash) => {
      const made = await make({ ...NINETEEN_84, picture: await picture() });
      const title = "The Great Gatsby (Updated)";
      const edited = await owner.form<Book>("POST", `/books/${made.id}/edit${slash}`, { title });
      expect(edited.status).toBe(200);
      expect(edited.body).toEqual({ ...made, title });
      const replaced = await owner.form<Book>("POST", `/books/${made.id}/edit${slash}`, {
        picture: await picture("png"),
      });
      expect(replaced.body).toMatchObject({ title, picture: expect.stringMatching(/\.png$/) });
      expect((await rowmill.client.download(String(made.picture))).status).toBe(404);
      expect((await owner.get<Book>(`/books/${made.id}/`)).body).toEqual(replaced.body);
    },
  );

  test("editing a book accepts JSON, urlencoded bodies and an empty change", async () => {
    const made = await make();
    const path = `/books/${made.id}/edit/`;
    expect((await owner.post<Book>(path, { author: "Orwell" })).body.author).toBe("Orwell");
    const form = await owner.send<Book>("POST", path, { body: new URLSearchParams({ description: "" }) });
    expect(form.body).toEqual({ ...made, author: "Orwell", description: "" });
    const nothing = await owner.post<Book>(path, {});
    expect([nothing.status, nothing.body]).toEqual([200, form.body]);
  });

  test("editing a book against the rules answers 400", async () => {
    const made = await make();
    const { status, body } = await owner.form<Problem>("POST", `/books/${made.id}/edit/`, { title: "" });
    expect([status, body.field_errors]).toEqual([400, { title: ["title is required"] }]);
    expect((await owner.get(`/books/${made.id}/`)).body).toEqual(made);
  });
});

describe("POST /books/<id>/delete/", () => {
  test.each(["/", ""])("deleting a book removes its picture (ending in %j)", async (slash) => {
    const made = await make({ ...NINETEEN_84, picture: await picture() });
    const { status, body } = await owner.post(`/books/${made.id}/delete${slash}`);
    expect([status, body]).toEqual([204, ""]);
    expect((await owner.get(`/books/${made.id}/`)).status).toBe(404);
    expect((await rowmill.client.download(String(made.picture))).status).toBe(404);
    const { rows } = await rowmill.ctx.db.execute(
      sql`SELECT FROM rowmill.files WHERE name = ${String(made.picture).slice("/media/".length)}`,
    );
    expect(rows).toEqual([]);
  });

  test.each<[string, RequestInit]>([
    ["JSON and nothing", { headers: { "content-type": "application/json" } }],
    ["JSON and an empty object", { headers: { "content-type": "application/json" }, body: "{}" }],
    ["a form of nothing", { body: new URLSearchParams() }],
  ])("deleting a book accepts %s", async (_, init) => {
    const made = await make();
    expect((await owner.send("POST", `/books/${made.id}/delete/`, init)).status).toBe(204);
  });
});

describe("other users", () => {
  test("editing or deleting another user's book answers 403 as documented", async () => {
    const made = await make({ ...NINETEEN_84, picture: await picture() });
    for (const path of [`/books/${made.id}/edit/`, `/books/${made.id}/edit`]) {
      expect((await stranger.form<Problem>("POST", path, { title: "Mine" })).status).toBe(403);
      expect((await stranger.form<Problem>("POST", path, { picture: await picture() })).status).toBe(403);
      expect((await stranger.post<Problem>(path, { title: "" })).status).toBe(403);
    }
    expect((await stranger.post(`/books/${made.id}/delete/`)).status).toBe(403);
    expect((await owner.get(`/books/${made.id}/`)).body).toEqual(made);
    expect((await rowmill.client.download(String(made.picture))).status).toBe(200);
  });

  test("another user's book answers 404", async () => {
    const made = await make();
    expect((await stranger.get(`/books/${made.id}/`)).status).toBe(404);
    expect((await stranger.get("/books/")).body).toEqual([]);
  });

  test("the book endpoints answer 401 without a token", async () => {
    const made = await make();
    for (const path of ["/books/", `/books/${made.id}/edit/`, `/books/${made.id}/delete/`])
      expect([path, (await rowmill.client.form("POST", path, NINETEEN_84)).status]).toEqual([path, 401]);
  });
});

test("an unknown book answers 404, and an invalid id 400", async () => {
  for (const action of ["edit", "delete"]) {
    expect((await owner.form("POST", `/books/999999/${action}/`, { title: "T" })).status).toBe(404);
    for (const id of ["abc", "0", "-1", "99999999999999999999"])
      expect([id, (await owner.post(`/books/${id}/${action}/`)).status]).toEqual([id, 400]);
  }
});

test("more than 10,000 books are listed in pages with a Link header", async () => {
  const user = await rowmill.newUser();
  await rowmill.ctx.db.execute(sql`
    INSERT INTO rowmill.books (user_id, title, author, is_copy)
    SELECT ${user.userId}, 'Title ' || n, 'Author', false FROM generate_series(1, 10002) AS n`);
  const { body, headers } = await user.get<Book[]>("/books/");
  expect(body).toHaveLength(10_000);
  const [, next = ""] = /^<([^>]+)>; rel="next"$/.exec(String(headers.get("link"))) ?? [];
  expect(next.startsWith(`${rowmill.config.publicUrl}/books/?cursor=`)).toBe(true);
  const rest = await user.get<Book[]>(next.slice(rowmill.config.publicUrl.length));
  expect(rest.body.map(({ title }) => title)).toEqual(["Title 10001", "Title 10002"]);
  expect(rest.headers.get("link")).toBeNull();
});
