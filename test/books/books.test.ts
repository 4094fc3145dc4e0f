import type { Static } from "typebox";
import { beforeAll, describe, expect, test } from "vitest";
import type { BookView } from "../../src/books/views.ts";
import type { Client, Problem } from "../support/client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

type Book = Static<typeof BookView>;

interface BookPage {
  items: Book[];
  next_cursor: string | null;
}

const TITLES = ["Emma", "Ulysses", "Dracula", "Middlemarch", "Walden"];

let owned: Book[];

const rowmill = useRowmill({ worker: true });
const owner = useUser(rowmill);
const stranger = useUser(rowmill);
beforeAll(async () => {
  await uploadBooks(owner, TITLES);
  await uploadBooks(stranger, ["Hunger"]);
  owned = (await owner.get<BookPage>("/api/v1/books")).body.items;
});

async function uploadBooks(user: Client, titles: string[]): Promise<void> {
  const lines = titles.map((title) => `${title},Author of ${title},About ${title}\n`);
  const { body } = await user.upload(`title,author,description\n${lines.join("")}`);
  const { counts } = await user.finished(body.id);
  expect(counts.success).toBe(titles.length);
}

describe("the list of books", () => {
  test("the list of books has the caller's own books, oldest first", async () => {
    expect(owned.map(({ title }) => title)).toEqual(TITLES);
    expect(owned.map(({ id }) => id)).toEqual(owned.map(({ id }) => id).toSorted((a, b) => a - b));
    const others = await stranger.get<BookPage>("/api/v1/books");
    expect(others.body.items.map(({ title }) => title)).toEqual(["Hunger"]);
  });

  test("the list of books is empty for a user without books", async () => {
    const reader = await rowmill.newUser();
    const { status, body } = await reader.get("/api/v1/books");
    expect(status).toBe(200);
    expect(body).toEqual({ items: [], next_cursor: null });
  });

  test("the list of books requires a login", async () => {
    expect((await rowmill.client.get("/api/v1/books")).status).toBe(401);
  });

  test("the pages of books contain each book once", async () => {
    const pages: Book[][] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ limit: "2", ...(cursor ? { cursor } : {}) });
      const { body }: { body: BookPage } = await owner.get<BookPage>(`/api/v1/books?${query}`);
      pages.push(body.items);
      cursor = body.next_cursor;
    } while (cursor && pages.length < 10);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(owned);
  });

  test("a full last page of books has no next page", async () => {
    const { body } = await owner.get<BookPage>(`/api/v1/books?limit=${TITLES.length}`);
    expect(body.items).toHaveLength(TITLES.length);
    expect(body.next_cursor).toBeNull();
  });

  test("another user's cursor shows only the caller's books", async () => {
    const { body } = await owner.get<BookPage>("/api/v1/books?limit=2");
    const borrowed = await stranger.get<BookPage>(`/api/v1/books?cursor=${body.next_cursor}`);
    expect(borrowed.body.items.map(({ title }) => title)).toEqual(["Hunger"]);
  });

  test.each(["!!!", "garbage", "LTE", "MS41", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])(
    "refuses the cursor %s",
    async (cursor) => {
      const { status, body } = await owner.get<Problem>(`/api/v1/books?cursor=${cursor}`);
      expect(status).toBe(400);
      expect(Object.keys(body.field_errors)).toEqual(["cursor"]);
    },
  );

  test.each(["0", "-1", "1001", "1.5", "many"])("the list of books refuses the limit %s", async (limit) => {
    const { status, body } = await owner.get<Problem>(`/api/v1/books?limit=${limit}`);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["limit"]);
  });

  test.each(["1", "1000"])("the list of books accepts the limit %s", async (limit) => {
    const { status, body } = await owner.get<BookPage>(`/api/v1/books?limit=${limit}`);
    expect(status).toBe(200);
    expect(body.items).toEqual(owned.slice(0, Number(limit)));
  });
});

describe("one book", () => {
  test("a book is returned with every field", async () => {
    const [first] = owned;
    const { status, body } = await owner.get(`/api/v1/books/${first?.id}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: first?.id,
      title: "Emma",
      author: "Author of Emma",
      description: "About Emma",
      picture: null,
      picture_url: null,
      thumbnail_url: null,
    });
  });

  test("another user's book answers 404 like an unknown one", async () => {
    const theirs = await stranger.get<Problem>(`/api/v1/books/${owned[0]?.id}`);
    const missing = await stranger.get<Problem>("/api/v1/books/9007199254740991");
    expect(theirs.status).toBe(404);
    expect(theirs.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(theirs.body).toEqual(missing.body);
  });

  test("the list of books requires a login", async () => {
    expect((await rowmill.client.get(`/api/v1/books/${owned[0]?.id}`)).status).toBe(401);
  });

  test.each(["abc", "0", "-1", "1.5", "9007199254740992", "99999999999999999999", "%00"])(
    "refuses the id %s",
    async (id) => {
      const { status, body } = await owner.get<Problem>(`/api/v1/books/${id}`);
      expect(status).toBe(400);
      expect(Object.keys(body.field_errors)).toEqual(["id"]);
    },
  );
});
