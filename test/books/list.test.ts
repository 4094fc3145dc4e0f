import type { Static } from "typebox";
import { beforeAll, describe, expect, test } from "vitest";
import { BOOK_SORTS } from "../../src/books/list-books.ts";
import type { BookView } from "../../src/books/views.ts";
import type { Problem } from "../support/client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

type Book = Static<typeof BookView>;
interface BookPage {
  items: Book[];
  next_cursor: string | null;
}

/** Titles and authors that repeat, in more than one case, and with what SQL's LIKE takes for wildcards. */
const BOOKS: [title: string, author: string][] = [
  ["emma", "Jane Austen"],
  ["Dracula", "Bram Stoker"],
  ["Emma", "Charlotte Brontë"],
  ["100% Wool", "A. Knitter"],
  ["snake_case", "a. knitter"],
  ["EMMA", "Jane Austen"],
  ["Dune", "Frank Herbert"],
  ["Frankenstein", "Mary Shelley"],
  ["Émile", "Rousseau"],
  [`It's "quoted" \\ back`, "O'Brien"],
];

let made: Book[];

const rowmill = useRowmill();
const owner = useUser(rowmill);
const stranger = useUser(rowmill);
beforeAll(async () => {
  made = [];
  for (const [title, author] of BOOKS)
    made.push((await owner.post<Book>("/api/v1/books", { title, author })).body);
  await stranger.post("/api/v1/books", { title: "Emma", author: "Not yours" });
});

function page(query: Record<string, string>, user = owner) {
  return user.get<BookPage>(`/api/v1/books?${new URLSearchParams(query)}`);
}

async function pages(query: Record<string, string>, between = async () => {}): Promise<Book[]> {
  const found: Book[] = [];
  let cursor: string | null = null;
  do {
    const { status, body }: { status: number; body: BookPage } = await page({
      ...query,
      ...(cursor ? { cursor } : {}),
    });
    expect(status).toBe(200);
    found.push(...body.items);
    cursor = body.next_cursor;
    if (cursor) await between();
  } while (cursor);
  return found;
}

describe("the order of books", () => {
  test.each(BOOK_SORTS)("books sorted by %s have the same order on pages of any size", async (sort) => {
    const all = (await page({ sort })).body.items;
    expect(all.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(made.map(({ id }) => id));
    for (const limit of ["1", "2", "3", "9", "10", "11"]) {
      expect([limit, (await pages({ sort, limit })).map(({ id }) => id)]).toEqual([
        limit,
        all.map(({ id }) => id),
      ]);
    }
  });

  test.each(["id", "title", "author"] as const)("a minus reverses the order of books by %s", async (sort) => {
    const up = (await page({ sort })).body.items;
    const down = (await page({ sort: `-${sort}` })).body.items;
    expect(down).toEqual(up.toReversed());
  });

  test("books are sorted by title without case, then by id", async () => {
    const titles = (await page({ sort: "title", search: "emma" })).body.items;
    expect(titles.map(({ title }) => title)).toEqual(["emma", "Emma", "EMMA"]);
    const letters = (await page({ sort: "title" })).body.items.map(({ title }) => title);
    expect(letters.indexOf("Dracula")).toBeLessThan(letters.indexOf("Dune"));
    expect(letters.indexOf("Dune")).toBeLessThan(letters.indexOf("EMMA"));
    expect(letters.indexOf("EMMA")).toBeLessThan(letters.indexOf("Frankenstein"));
  });

  test("paging continues correctly if the last book of a page is renamed or deleted", async () => {
    const user = await rowmill.newUser();
    const ids: number[] = [];
    for (const title of ["A", "B", "C", "D", "E"])
      ids.push((await user.post<Book>("/api/v1/books", { title, author: "X" })).body.id);
    for (const sort of ["title", "author", "id"]) {
      const first = (await page({ sort, limit: "2" }, user)).body;
      const last = first.items.at(-1);
      expect(last?.title).toBe("B");
      await user.patch(`/api/v1/books/${last?.id}`, { title: "Z", author: "Zz" });
      const cursor = String(first.next_cursor);
      const rest = (await page({ sort, limit: "2", cursor }, user)).body.items;
      expect([sort, rest.map(({ title }) => title)]).toEqual([sort, ["C", "D"]]);
      await user.patch(`/api/v1/books/${last?.id}`, { title: "B", author: "X" });
    }
    const first = (await page({ sort: "title", limit: "2" }, user)).body;
    await user.delete(`/api/v1/books/${ids[1]}`);
    const rest = await page({ sort: "title", cursor: String(first.next_cursor) }, user);
    expect(rest.body.items.map(({ title }) => title)).toEqual(["C", "D", "E"]);
  });

  test("cursors of the longest titles are accepted", async () => {
    const user = await rowmill.newUser();
    for (const end of ["a", "b", "c"])
      await user.post("/api/v1/books", { title: "\u{1F4D6}".repeat(499) + end, author: "X" });
    const first = (await page({ sort: "title", limit: "1" }, user)).body;
    const second = await page({ sort: "title", limit: "2", cursor: String(first.next_cursor) }, user);
    expect(second.status).toBe(200);
    expect(second.body.items.map(({ title }) => title.at(-1))).toEqual(["b", "c"]);
  });
});

describe("a cursor", () => {
  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

  test("a cursor is valid only for its own order", async () => {
    const cursor = String((await page({ sort: "title", limit: "1" })).body.next_cursor);
    for (const sort of ["id", "-id", "-title", "author", "-author"]) {
      const query = new URLSearchParams({ sort, cursor });
      const { status, body } = await owner.get<Problem>(`/api/v1/books?${query}`);
      expect([sort, status, Object.keys(body.field_errors)]).toEqual([sort, 400, ["cursor"]]);
    }
  });

  test.each([
    ["title", 1, "a"],
    ["title", 1],
    ["title", "1", "a"],
    ["title", 1, null],
    ["id", 1, "a"],
    ["title", 0, "a"],
    ["title", 1.5, "a"],
    ["title", 1, "a\0b"],
    ["title", 1, { a: 1 }],
    [["title"], 1, "a"],
    null,
    {},
    "title",
  ])("a forged cursor %j gives a list or 400", async (value: unknown) => {
    const isRight = JSON.stringify(value) === '["title",1,"a"]';
    expect((await page({ sort: "title", cursor: cursorOf(value) })).status).toBe(isRight ? 200 : 400);
  });

  test("another user's cursor shows nothing of theirs", async () => {
    const { next_cursor } = (await page({ sort: "title", limit: "1" })).body;
    const { body } = await page({ sort: "title", cursor: String(next_cursor) }, stranger);
    expect(body.items.map(({ author }) => author)).toEqual(["Not yours"]);
  });
});

describe("a search", () => {
  test.each<[string, string[]]>([
    ["EMMA", ["emma", "Emma", "EMMA"]],
    ["knitter", ["100% Wool", "snake_case"]],
    ["austen emma", ["emma", "EMMA"]],
    ["  rank   shel ", ["Frankenstein"]],
    ["brontë", ["Emma"]],
    ["100%", ["100% Wool"]],
    ["%", ["100% Wool"]],
    ["_", ["snake_case"]],
    ["\\", [`It's "quoted" \\ back`]],
    ["o'brien", [`It's "quoted" \\ back`]],
    ["nowhere", []],
    ["' OR 1=1 --", []],
    ["", BOOKS.map(([title]) => title)],
    ["   ", BOOKS.map(([title]) => title)],
  ])("a search for %j finds books with all of its words", async (search, titles) => {
    const { status, body } = await page({ search });
    expect(status).toBe(200);
    expect(body.items.map(({ title }) => title)).toEqual(titles);
  });

  test("a search can be combined with an order and pages", async () => {
    const found = await pages({ search: "emma", sort: "-author", limit: "1" });
    expect(found.map(({ author, title }) => [author, title])).toEqual([
      ["Jane Austen", "EMMA"],
      ["Jane Austen", "emma"],
      ["Charlotte Brontë", "Emma"],
    ]);
  });

  test("an order by title that takes too long is cancelled with a message", async () => {
    const holder = await rowmill.ctx.pool.connect();
    try {
      await holder.query("BEGIN; LOCK TABLE rowmill.books IN ACCESS EXCLUSIVE MODE");
      const { status, body } = await owner.get<Problem>("/api/v1/books?sort=title");
      expect(status).toBe(400);
      expect(body.field_errors).toEqual({
        sort: ["Reading all of your books took more than 5 seconds. Leave out `sort`, or try again later."],
      });
    } finally {
      await holder.query("ROLLBACK");
      holder.release();
    }
    // The limit went with its transaction.
    expect((await page({ search: "emma" })).body.items).toHaveLength(3);
  });

  test("a search covers only the caller's books", async () => {
    expect((await page({ search: "yours" })).body.items).toEqual([]);
  });

  test.each([
    ["search", "x".repeat(201)],
    ["search", "a\0b"],
    ["sort", "price"],
    ["sort", "id; DROP TABLE books"],
    ["sort", ""],
  ])("a search with %s=%j is refused", async (name, value) => {
    const { status, body } = await owner.get<Problem>(
      `/api/v1/books?${new URLSearchParams({ [name]: value })}`,
    );
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([name]);
  });
});
