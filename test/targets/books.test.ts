import { describe, expect, test } from "vitest";
import type { BatchMode } from "../../src/schema/batches.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Client } from "../support/client.ts";
import { chunksOf, effects, importFile, receive, undo } from "../support/imports.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

interface Book {
  id: number;
  title: string;
  author: string;
  description: string;
  batch_id: string | null;
  row_number: number | null;
  is_copy: boolean;
}

async function booksOf(user: Client): Promise<Book[]> {
  const { rows } = await rowmill.ctx.pool.query<Book>(
    `SELECT id::int, title, author, description, batch_id, row_number, is_copy FROM rowmill.books WHERE user_id = $1 ORDER BY id`,
    [user.userId],
  );
  return rows;
}

/** The books as a person sees them, in no particular order. */
const shelf = async (user: Client) =>
  (await booksOf(user)).map(({ title, author, description }) => `${title}|${author}|${description}`).sort();

const table = (...lines: string[]) => `title,author,description\n${lines.join("\n")}\n`;
const EMMA = "Emma,Jane Austen";
const others = (count: number, description = "") =>
  Array.from({ length: count }, (_, index) => `Title ${index},Author ${index},${description}`);
/** A file whose rows are in three chunks: the first ones, fifty others, the last ones. */
const longTable = (first: string[], last: string[]) =>
  table(...first, ...others(25 - first.length), ...others(50).slice(25), ...last);

describe("the key of a book", () => {
  test("letters that are composed in one file and decomposed in another are the same book", async () => {
    const user = await rowmill.newUser();
    await importFile(rowmill, user, table("Cafe\u0301,Zo\u00EB,first"));
    const again = await importFile(rowmill, user, table("Caf\u00E9,Zoe\u0308,second"), "upsert");
    expect(await effects(rowmill, again)).toEqual({ 2: "updated" });
    const { status, body } = await user.post<{ detail: string }>("/api/v1/books", {
      title: "CAFE\u0301",
      author: "Zoe\u0308",
    });
    expect([status, body]).toMatchObject([201, { title: "CAF\u00C9" }]);
    expect(await booksOf(user)).toMatchObject([
      { title: "Caf\u00E9", author: "Zo\u00EB", description: "second", is_copy: false },
      { title: "CAF\u00C9", author: "Zo\u00EB", is_copy: true },
    ]);
  });
});

describe("insert", () => {
  test("insert fails a row whose book already exists, ignoring case, and names it", async () => {
    const user = await rowmill.newUser();
    const first = await importFile(rowmill, user, table(`${EMMA},first`));
    expect(await effects(rowmill, first)).toEqual({ 2: "created" });
    const [emma] = await booksOf(user);
    const second = await importFile(
      rowmill,
      user,
      table("Persuasion,Jane Austen,", "EMMA,JANE austen,again"),
    );
    expect(await effects(rowmill, second)).toEqual({ 2: "created", 3: "duplicate" });
    expect(await user.rows(second, "failed")).toMatchObject([
      {
        row: 3,
        error_code: "duplicate",
        record_id: null,
        errors: [
          {
            column: null,
            code: "duplicate",
            message: `You already have a book with this title and author: book ${emma?.id}.`,
          },
        ],
      },
    ]);
    expect(await shelf(user)).toEqual(["Emma|Jane Austen|first", "Persuasion|Jane Austen|"]);
  });

  test("insert fails the later of two equal rows and names the earlier", async () => {
    const user = await rowmill.newUser();
    const batch = await importFile(
      rowmill,
      user,
      longTable([`${EMMA},1`, "emma,jane austen,2"], [`${EMMA},3`]),
    );
    const came = await effects(rowmill, batch);
    expect([came[2], came[3], came[52]]).toEqual(["created", "duplicate", "duplicate"]);
    const [emma] = await booksOf(user);
    const message = `Row 2 of this file has the same title and author; it became book ${emma?.id}.`;
    expect((await user.rows(batch, "failed")).map(({ row, error_message }) => [row, error_message])).toEqual([
      [3, message],
      [52, message],
    ]);
  });

  test("insert ignores other users' books", async () => {
    for (const user of [await rowmill.newUser(), await rowmill.newUser()]) {
      expect(await effects(rowmill, await importFile(rowmill, user, table(`${EMMA},`)))).toEqual({
        2: "created",
      });
    }
  });

  test("insert compares title and author separately", async () => {
    const user = await rowmill.newUser();
    const batch = await importFile(rowmill, user, table("ab,c,", "a,bc,"));
    expect(Object.values(await effects(rowmill, batch))).toEqual(["created", "created"]);
  });
});

test("append creates a book from every row", async () => {
  const user = await rowmill.newUser();
  await importFile(rowmill, user, table(`${EMMA},first`));
  const batch = await importFile(
    rowmill,
    user,
    table(`${EMMA},second`, "emma,jane austen,third", "Persuasion,Jane Austen,", "Persuasion,Jane Austen,"),
    "append",
  );
  expect(Object.values(await effects(rowmill, batch))).toEqual(Array(4).fill("created"));
  const books = await booksOf(user);
  expect(books.map(({ description, is_copy }) => [description, is_copy])).toEqual([
    ["first", false],
    ["second", true],
    ["third", true],
    ["", false],
    ["", true],
  ]);
  const rows = await user.rows(batch);
  expect(rows.map(({ record_id }) => record_id)).toEqual(books.slice(1).map(({ id }) => id));
});

test("skip_existing keeps existing books and names them", async () => {
  const user = await rowmill.newUser();
  await importFile(rowmill, user, table(`${EMMA},first`));
  const batch = await importFile(
    rowmill,
    user,
    table("EMMA,jane austen,second", "Persuasion,Jane Austen,new", "persuasion,jane austen,newer"),
    "skip_existing",
  );
  expect(await effects(rowmill, batch)).toEqual({ 2: "unchanged", 3: "created", 4: "unchanged" });
  expect(await shelf(user)).toEqual(["Emma|Jane Austen|first", "Persuasion|Jane Austen|new"]);
  const [emma, persuasion] = await booksOf(user);
  expect((await user.rows(batch)).map(({ record_id }) => record_id)).toEqual([
    emma?.id,
    persuasion?.id,
    persuasion?.id,
  ]);
});

describe("upsert", () => {
  test("upsert creates missing books, updates different ones and skips equal ones", async () => {
    const user = await rowmill.newUser();
    const first = await importFile(rowmill, user, table(`${EMMA},old`, "Persuasion,Jane Austen,same"));
    const batch = await importFile(
      rowmill,
      user,
      table("EMMA,Jane Austen,new", "Persuasion,Jane Austen,same", "Sanditon,Jane Austen,"),
      "upsert",
    );
    expect(await effects(rowmill, batch)).toEqual({ 2: "updated", 3: "unchanged", 4: "created" });
    expect(await booksOf(user)).toMatchObject([
      { title: "EMMA", description: "new", batch_id: batch, row_number: 2 },
      { title: "Persuasion", description: "same", batch_id: first, row_number: 3 },
      { title: "Sanditon", description: "", batch_id: batch, row_number: 4 },
    ]);
  });

  test("upsert keeps fields for which the file has no column", async () => {
    const user = await rowmill.newUser();
    await importFile(rowmill, user, table(`${EMMA},kept`));
    const batch = await importFile(rowmill, user, "title,author\nEMMA,Jane Austen\n", "upsert");
    expect(await effects(rowmill, batch)).toEqual({ 2: "updated" });
    expect(await shelf(user)).toEqual(["EMMA|Jane Austen|kept"]);
  });

  test.each([
    ["in order", false],
    ["the other way round", true],
  ])("upsert lets the last row of a key win, with chunks %s", async (_, isBackwards) => {
    for (const before of [[], [`${EMMA},before`], [`${EMMA},last`]]) {
      const user = await rowmill.newUser();
      if (before.length > 0) await importFile(rowmill, user, table(...before));
      const file = longTable(
        [`${EMMA},first`, "emma,jane austen,second"],
        [`${EMMA},last but one`, `${EMMA},last`],
      );
      const batch = await importFile(rowmill, user, file, "upsert", { isBackwards });
      expect((await shelf(user)).filter((book) => book.startsWith("Emma"))).toEqual([
        "Emma|Jane Austen|last",
      ]);
      expect(await shelf(user)).toHaveLength(49);
      expect((await effects(rowmill, batch))[52]).toBe("unchanged");

      await undo(rowmill, batch);
      expect(await shelf(user)).toEqual(before.map((line) => line.replaceAll(",", "|")));
    }
  });

  test("upsert does not overwrite a book edited by hand with an earlier row", async () => {
    const user = await rowmill.newUser();
    const batch = await receive(user, longTable([`${EMMA},first`], [`${EMMA},last`]), "upsert");
    const [start = 0, , end = 0] = await chunksOf(rowmill, batch);
    await deliverChunk(rowmill.ctx, batch, end);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.books SET description = 'by hand', batch_id = NULL, row_number = NULL WHERE user_id = $1",
      [user.userId],
    );
    await deliverChunk(rowmill.ctx, batch, start);
    expect(await shelf(user)).toContain("Emma|Jane Austen|by hand");
  });
});

describe("undo", () => {
  test("undo removes created books and restores updated ones", async () => {
    const user = await rowmill.newUser();
    const first = await importFile(rowmill, user, table(`${EMMA},old`, "Persuasion,Jane Austen,same"));
    const before = await booksOf(user);
    const file = table("EMMA,Jane Austen,new", "Persuasion,Jane Austen,same", "Sanditon,Jane Austen,");
    const batch = await importFile(rowmill, user, file, "upsert");
    expect(await undo(rowmill, batch)).toEqual({ 2: { kind: "reversed" }, 4: { kind: "reversed" } });
    expect(await booksOf(user)).toEqual(before);
    // With their origin restored too: the first import can still be undone.
    expect(await undo(rowmill, first)).toEqual({ 2: { kind: "reversed" }, 3: { kind: "reversed" } });
    expect(await booksOf(user)).toEqual([]);
  });

  test("undo keeps books that changed since and says by whom", async () => {
    const user = await rowmill.newUser();
    const file = table(...["A", "B", "C", "D", "E"].map((title) => `${title},Author,1`));
    const batch = await importFile(rowmill, user, file);
    const other = await importFile(rowmill, user, table("B,Author,2"), "upsert");
    const { pool } = rowmill.ctx;
    const mine = [user.userId];
    await pool.query(
      "UPDATE rowmill.books SET batch_id = NULL, row_number = NULL WHERE user_id = $1 AND title = 'A'",
      mine,
    );
    await pool.query("DELETE FROM rowmill.books WHERE user_id = $1 AND title = 'C'", mine);
    await pool.query("UPDATE rowmill.books SET row_number = 77 WHERE user_id = $1 AND title = 'D'", mine);
    expect(await undo(rowmill, batch)).toEqual({
      2: { kind: "kept", reason: "The book was edited later." },
      3: { kind: "kept", reason: `The book was changed later by another batch (${other}).` },
      4: { kind: "kept", reason: "The book was deleted later." },
      5: { kind: "kept", reason: "The book was changed later by row 77 of this file, which was not undone." },
      6: { kind: "reversed" },
    });
    expect((await booksOf(user)).map(({ title }) => title)).toEqual(["A", "B", "D"]);
  });

  test("undo never touches other users' books", async () => {
    const [owner, other] = [await rowmill.newUser(), await rowmill.newUser()];
    const batch = await importFile(rowmill, owner, table(`${EMMA},`));
    // The owner decides on which node of Citus a book is, and cannot change.
    await rowmill.ctx.pool.query(
      `INSERT INTO rowmill.books (id, user_id, batch_id, row_number, title, author)
      SELECT id, $1::bigint, batch_id, row_number, title, author FROM rowmill.books WHERE user_id = $2`,
      [other.userId, owner.userId],
    );
    await rowmill.ctx.pool.query("DELETE FROM rowmill.books WHERE user_id = $1", [owner.userId]);
    expect(await undo(rowmill, batch)).toEqual({
      2: { kind: "kept", reason: "The book was deleted later." },
    });
    expect(await shelf(other)).toHaveLength(1);
  });
});

describe("two workers with the same keys", () => {
  test.each<[BatchMode, Record<string, number>]>([
    ["insert", { created: 300, duplicate: 900 }],
    ["skip_existing", { created: 300, unchanged: 900 }],
    ["append", { created: 1200 }],
    ["upsert", { created: 300 }],
  ])("two workers with the same keys end with consistent books: %s", async (mode, expected) => {
    await using own = await startRowmill();
    const user = await own.newUser();
    const [first, second, third] = [others(300, "1"), others(300, "2"), others(300, "3")];
    // Each file has every key twice, in different orders.
    const files = [table(...first, ...second.toReversed()), table(...third.toReversed(), ...first)];
    const ids = await Promise.all(files.map((content) => receive(user, content, mode)));
    await own.startWorker();
    await own.startWorker();
    await Promise.all(
      ids.map((id) => until(`batch ${id} ends`, async () => (await user.batch(id)).body.finished_at)),
    );
    const came = [
      ...Object.values(await effects(own, ids[0] ?? "")),
      ...Object.values(await effects(own, ids[1] ?? "")),
    ];
    expect(came).toHaveLength(1200);
    const counts = Object.fromEntries(
      [...new Set(came)].sort().map((effect) => [effect, came.filter((one) => one === effect).length]),
    );
    expect(counts).toMatchObject(expected);
    const { rows } = await own.ctx.pool.query(
      `SELECT count(*)::int AS books, count(key)::int AS keys, count(DISTINCT key)::int AS distinct FROM rowmill.books`,
    );
    const books = mode === "append" ? 1200 : 300;
    expect(rows[0]).toEqual({ books, keys: 300, distinct: 300 });
  });
});
