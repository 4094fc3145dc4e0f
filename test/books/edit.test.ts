/** Books made, changed and removed by hand, and what uploads make of those. */
import { and, eq, inArray } from "drizzle-orm";
import type { Static } from "typebox";
import { beforeAll, describe, expect, test } from "vitest";
import type { BookView } from "../../src/books/views.ts";
import { books } from "../../src/schema/targets.ts";
import type { Client, Problem } from "../support/client.ts";
import { picture } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

type Book = Static<typeof BookView>;

const PATH = "/api/v1/books";

const rowmill = useRowmill();
const owner = useUser(rowmill);
const stranger = useUser(rowmill);

async function make(title: string, author = "Somebody", user = owner): Promise<Book> {
  const { status, body } = await user.post<Book>(PATH, { title, author });
  expect(status).toBe(201);
  return body;
}

async function stored(id: number) {
  const isOurs = inArray(books.userId, [owner.userId, stranger.userId]);
  const [book] = await rowmill.ctx.db
    .select()
    .from(books)
    .where(and(isOurs, eq(books.id, id)));
  if (!book) throw new Error(`no book ${id}`);
  return book;
}

describe("a book made by hand", () => {
  test("a created book is returned and can be read at its location", async () => {
    const sent = { title: " Emma ", author: "Jane Austen", description: "Matches\nare made" };
    const { status, headers, body } = await owner.post<Book>(PATH, sent);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      title: "Emma",
      author: "Jane Austen",
      description: "Matches\nare made",
      picture: null,
      picture_url: null,
      thumbnail_url: null,
    });
    expect(headers.get("location")).toBe(`${PATH}/${body.id}`);
    expect((await owner.get(`${PATH}/${body.id}`)).body).toEqual(body);
    expect(await stored(body.id)).toMatchObject({ userId: owner.userId, batchId: null, rowNumber: null });
  });

  test("a book can be created without a description, and from a form", async () => {
    const { status, body } = await owner.form<Book>("POST", PATH, { title: "Walden", author: "Thoreau" });
    expect([status, body.title, body.description]).toEqual([201, "Walden", ""]);
  });

  test("creating a book ignores unknown fields", async () => {
    const sent = {
      title: "Mine",
      author: "Me",
      id: 1,
      user_id: stranger.userId,
      is_copy: true,
      batch_id: "x",
    };
    const { status, body } = await owner.post<Book>(PATH, sent);
    expect(status).toBe(201);
    expect(body.id).not.toBe(1);
    expect(await stored(body.id)).toMatchObject({ userId: owner.userId, isCopy: false, batchId: null });
  });

  test.each<[string, object, Record<string, string[]>]>([
    ["nothing", {}, { title: ["title is required"], author: ["author is required"] }],
    ["blanks", { title: "  ", author: "A" }, { title: ["title is required"] }],
    ["null", { title: null, author: "A" }, { title: ["title is required"] }],
    [
      "too much",
      { title: "x".repeat(501), author: "y".repeat(201), description: "z".repeat(10_001) },
      {
        title: ["title has 501 characters; at most 500 are allowed"],
        author: ["author has 201 characters; at most 200 are allowed"],
        description: ["description has 10001 characters; at most 10000 are allowed"],
      },
    ],
    [
      "a NUL",
      { title: "a\0b", author: "A" },
      { title: ["title has a NUL character (U+0000), which can't be stored; remove it"] },
    ],
    [
      "half a character",
      { title: "\ud83d", author: "A" },
      { title: ["title has bytes that are not UTF-8 (shown as \uFFFD); save the file as UTF-8"] },
    ],
    ["a number", { title: 1984, author: "A" }, { title: ["must be a string."] }],
    ["an object", { title: "T", author: { name: "A" } }, { author: ["must be a string."] }],
    [
      "a path for a picture",
      { title: "T", author: "A", picture: "/etc/passwd" },
      { picture: ["Send a file in multipart/form-data, or null to remove the picture."] },
    ],
  ])("a book with %s is refused with the messages of an upload", async (_, sent, fieldErrors) => {
    const { status, body } = await owner.post<Problem>(PATH, sent);
    expect(status).toBe(400);
    expect(body.field_errors).toEqual(fieldErrors);
  });

  test.each(["[]", '"Emma"', "1", "null", "{"])(
    "creating a book with the body %s is refused",
    async (body) => {
      const headers = { "content-type": "application/json" };
      const { status } = await owner.send("POST", PATH, { body, headers });
      expect(status).toBe(400);
    },
  );

  test("creating a book without a body, or with another content type, is refused", async () => {
    expect((await owner.post(PATH)).status).toBe(400);
    const csv = { body: "title,author", headers: { "content-type": "text/csv" } };
    expect((await owner.send("POST", PATH, csv)).status).toBe(415);
  });

  test("creating a book requires a login", async () => {
    expect((await rowmill.client.post(PATH, { title: "T", author: "A" })).status).toBe(401);
    expect((await rowmill.client.patch(`${PATH}/1`, { title: "T" })).status).toBe(401);
    expect((await rowmill.client.delete(`${PATH}/1`)).status).toBe(401);
  });
});

describe("a book changed by hand", () => {
  test("updating a book keeps omitted fields", async () => {
    const { id } = (await owner.post<Book>(PATH, { title: "Old", author: "Author", description: "About" }))
      .body;
    const { status, body } = await owner.patch<Book>(`${PATH}/${id}`, { title: "New" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, title: "New", author: "Author", description: "About" });
    const form = await owner.form<Book>("PATCH", `${PATH}/${id}`, { description: "More" });
    expect(form.body).toMatchObject({ title: "New", author: "Author", description: "More" });
    const emptied = await owner.patch<Book>(`${PATH}/${id}`, { description: "" });
    expect(emptied.body.description).toBe("");
    expect((await owner.get(`${PATH}/${id}`)).body).toEqual(emptied.body);
  });

  test("updating a book applies the rules of creation", async () => {
    const book = await make("Rules");
    const { status, body } = await owner.patch<Problem>(`${PATH}/${book.id}`, { title: "" });
    expect(status).toBe(400);
    expect(body.field_errors).toEqual({ title: ["title is required"] });
    expect((await owner.get(`${PATH}/${book.id}`)).body).toEqual(book);
  });

  test("an updated book no longer belongs to its row unless nothing changed", async () => {
    const { id } = await make("From a row");
    const batchId = "019aaaaa-0000-7000-8000-000000000000";
    const isThis = and(eq(books.userId, owner.userId), eq(books.id, id));
    const fromRow = () => rowmill.ctx.db.update(books).set({ batchId, rowNumber: 7 }).where(isThis);
    await fromRow();
    await owner.patch(`${PATH}/${id}`, {});
    await owner.patch(`${PATH}/${id}`, { title: "From a row", picture: null });
    expect(await stored(id)).toMatchObject({ batchId, rowNumber: 7 });
    await owner.patch(`${PATH}/${id}`, { description: "by hand" });
    expect(await stored(id)).toMatchObject({ batchId: null, rowNumber: null });
  });

  test("a deleted book answers 404", async () => {
    const { id } = await make("Gone");
    expect((await owner.delete(`${PATH}/${id}`)).status).toBe(204);
    expect((await owner.get(`${PATH}/${id}`)).status).toBe(404);
    expect((await owner.delete(`${PATH}/${id}`)).status).toBe(404);
  });

  test("another user cannot update or delete a book", async () => {
    const book = await make("Private");
    const missing = "9007199254740991";
    for (const change of [
      (id: string | number) => stranger.patch<Problem>(`${PATH}/${id}`, { title: "Stolen" }),
      (id: string | number) => stranger.patch<Problem>(`${PATH}/${id}`, { title: "" }),
      (id: string | number) => stranger.form<Problem>("PATCH", `${PATH}/${id}`, { title: "Stolen" }),
      (id: string | number) => stranger.delete<Problem>(`${PATH}/${id}`),
    ]) {
      const theirs = await change(book.id);
      expect(theirs.status).toBe(404);
      expect(theirs.body).toEqual((await change(missing)).body);
    }
    expect((await owner.get(`${PATH}/${book.id}`)).body).toEqual(book);
  });
});

describe("books of the same title and author", () => {
  const holders = async (title: string) => {
    const found = await rowmill.ctx.db.select().from(books).where(eq(books.userId, owner.userId));
    return found
      .filter((book) => book.title.toLowerCase() === title)
      .map(({ id, isCopy, key }) => ({ id, isCopy, hasKey: key !== null }))
      .sort((a, b) => a.id - b.id);
  };

  test("books of the same title and author may be created: the first holds the key", async () => {
    const first = await make("Twice", "A");
    const second = await make("TWICE", "a");
    const others = await make("Twice", "A", stranger);
    expect(await holders("twice")).toEqual([
      { id: first.id, isCopy: false, hasKey: true },
      { id: second.id, isCopy: true, hasKey: false },
    ]);
    expect(await stored(others.id)).toMatchObject({ isCopy: false });
  });

  test("renaming a book creates and frees copies", async () => {
    const first = await make("Here", "A");
    const second = await make("There", "A");
    await owner.patch(`${PATH}/${second.id}`, { title: "here" });
    expect(await stored(second.id)).toMatchObject({ isCopy: true, key: null });
    await owner.patch(`${PATH}/${second.id}`, { description: "still one" });
    expect(await stored(second.id)).toMatchObject({ isCopy: true });
    await owner.patch(`${PATH}/${first.id}`, { title: "Elsewhere" });
    expect(await stored(first.id)).toMatchObject({ isCopy: false });
    // The key is free, and the copy takes it when it is next edited.
    await owner.patch(`${PATH}/${second.id}`, { description: "the only one" });
    expect(await stored(second.id)).toMatchObject({ isCopy: false, key: expect.any(String) });
  });

  test("books created concurrently are one key holder and copies", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => make("At once", "A")));
    expect(made).toHaveLength(8);
    const found = await holders("at once");
    expect(found).toHaveLength(8);
    expect(found.filter(({ isCopy }) => !isCopy)).toHaveLength(1);
  });

  test("books renamed concurrently are one key holder and copies", async () => {
    const made: Book[] = [];
    for (let n = 0; n < 6; n++) made.push(await make(`Before ${n}`, "A"));
    const answers = await Promise.all(made.map(({ id }) => owner.patch(`${PATH}/${id}`, { title: "After" })));
    expect(answers.map(({ status }) => status)).toEqual(made.map(() => 200));
    expect((await holders("after")).filter(({ isCopy }) => !isCopy)).toHaveLength(1);
  });
});

describe("an upload", () => {
  beforeAll(() => rowmill.startWorker());

  async function upload(user: Client, content: string, mode: string) {
    const { body } = await user.upload(content, `/api/v1/batches?target=books&mode=${mode}`);
    const { id, counts } = await user.finished(body.id);
    return { id, success: counts.success, failed: counts.failed };
  }

  const list = async (user: Client) => (await user.get<{ items: Book[] }>(PATH)).body.items;

  test("undoing an upload keeps books that were edited since", async () => {
    const user = await rowmill.newUser();
    const { id, success } = await upload(user, "title,author\nPlain,A\nText,A\nPictured,A\n", "insert");
    expect(success).toBe(3);
    const [, text, pictured] = await list(user);
    await user.patch(`${PATH}/${text?.id}`, { description: "by hand" });
    const changed = await user.form<Book>("PATCH", `${PATH}/${pictured?.id}`, { picture: await picture() });
    expect((await user.post(`/api/v1/batches/${id}/undo`)).status).toBeLessThan(300);
    await until("the batch is undone", async () => (await user.batch(id)).body.state === "undone");
    const left = await list(user);
    expect(left.map(({ title }) => title)).toEqual(["Text", "Pictured"]);
    expect(left[1]).toEqual(changed.body);
    expect((await user.download(String(changed.body.picture))).status).toBe(200);
  });

  test("an upload updates the key holder, keeps its picture and leaves copies alone", async () => {
    const user = await rowmill.newUser();
    const holder = await user.form<Book>("POST", PATH, {
      title: "Same",
      author: "A",
      picture: await picture(),
    });
    const copy = await user.post<Book>(PATH, { title: "same", author: "a" });
    expect((await upload(user, "title,author,description\nSAME,A,uploaded\n", "upsert")).success).toBe(1);
    const [first, second] = await list(user);
    expect(first).toMatchObject({
      id: holder.body.id,
      description: "uploaded",
      picture: holder.body.picture,
    });
    expect(second).toEqual(copy.body);
    expect((await upload(user, "title,author\nsame,A\n", "insert")).failed).toBe(1);
  });
});
