/** Searches at the bounds of one answer: 10,000 items, or 4 MiB of text. */
import { expect, test } from "vitest";
import { newBatchId } from "../../src/batches/ids.ts";
import { createClient } from "../../src/client/index.ts";
import type { Client } from "../support/client.ts";
import { addEndedTasks, long, short } from "../support/ended-tasks.ts";
import { countRowsRead, recordReads } from "../support/explained-reads.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const owner = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);

interface Page {
  readonly items: readonly { readonly title: string }[];
  readonly next_cursor: string | null;
  readonly searched_to?: string;
}

const add = (titles: readonly (string | null)[], userId = owner.userId) =>
  addEndedTasks(rowmill.ctx.pool, userId, titles);

async function read(query: string, cursor: string | null = null, client: Client = owner) {
  const path = query.startsWith("/") ? query : `/api/v1/tasks?${query}`;
  const { body } = await client.get<Page>(`${path}${cursor === null ? "" : `&cursor=${cursor}`}`);
  return {
    titles: body.items.map(({ title }) => title),
    cursor: body.next_cursor,
    searchedTo: body.searched_to,
  };
}

/** The titles of each page. */
async function pagesOf(query: string, client: Client = owner): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page = await read(query, cursor, client);
    pages.push(page.titles);
    cursor = page.cursor;
  } while (cursor !== null);
  return pages;
}

test("a list of 10,000 items is searched in one answer, and the next item begins another one", async () => {
  await add(["Needle 1", "Needle 2", ...short(9998)]);
  expect(await read("search=needle")).toEqual({
    titles: ["Needle 2", "Needle 1"],
    cursor: null,
    searchedTo: undefined,
  });
  await add(["Newest"]);
  const first = await read("search=needle");
  expect(first.titles).toEqual(["Needle 2"]);
  expect(first.searchedTo).toBeDefined();
  expect(await read("search=needle", first.cursor)).toEqual({
    titles: ["Needle 1"],
    cursor: null,
    searchedTo: undefined,
  });
  // As many matches as the page can have, and the last of them at the bound.
  const full = await read("search=needle&limit=1");
  expect(full.titles).toEqual(["Needle 2"]);
  expect((await read("search=needle&limit=1", full.cursor)).titles).toEqual(["Needle 1"]);
  expect(await pagesOf("search=needle&status=completed&type=generic")).toEqual([["Needle 2"], ["Needle 1"]]);
  expect(await pagesOf("search=needle&status=failed")).toEqual([[]]);
});

test("books are searched in both orders up to the bound", async () => {
  await rowmill.ctx.pool.query(
    `INSERT INTO rowmill.books (user_id, title, author)
     SELECT $1, CASE WHEN n IN (1, 2, 10000, 10001) THEN 'Needle ' ELSE 'Hay ' END || n, 'A' FROM generate_series(1, 10001) AS n`,
    [owner.userId],
  );
  const path = "/api/v1/books?search=needle&sort=";
  const ascending = ["Needle 1", "Needle 2", "Needle 10000", "Needle 10001"];
  expect(await pagesOf(`${path}id`)).toEqual([ascending.slice(0, 3), ascending.slice(3)]);
  const descending = ascending.toReversed();
  expect(await pagesOf(`${path}-id`)).toEqual([descending.slice(0, 3), descending.slice(3)]);
  expect(await pagesOf(`${path}title`)).toEqual([["Needle 1", "Needle 10000", "Needle 10001", "Needle 2"]]);
  expect(await pagesOf(`${path}id&limit=3`)).toEqual([ascending.slice(0, 3), ascending.slice(3)]);
  const { cursor } = await read(`${path}id`);
  expect((await owner.get(`${path}-id&cursor=${cursor}`)).status).toBe(400);
});

testOnOneServer(
  "a search of many books reads no more than the bound, although PostgreSQL expects few",
  async () => {
    const { pool } = rowmill.ctx;
    await pool.query(
      "INSERT INTO rowmill.books (user_id, title, author) SELECT $1, 'Hay ' || n, 'A' FROM generate_series(1, 30000) AS n",
      [owner.userId],
    );
    await pool.query("ANALYZE rowmill.books");
    const statements = recordReads(rowmill);
    expect((await read("/api/v1/books?search=needle")).searchedTo).toBeDefined();
    const client = await pool.connect();
    await client.query("BEGIN");
    const rows: number[] = [];
    // Those that change settings count no rows, and apply to the later ones.
    for (const statement of statements.filter(({ text }) => /set_config|books/.test(text)))
      rows.push((await countRowsRead(client, statement)).rows);
    await client.query("ROLLBACK");
    client.release();
    expect(rows).toEqual([0, 10_001, 10_000]);
  },
);

testOnOneServer("batches are searched for words up to the bound", async () => {
  const { pool } = rowmill.ctx;
  const ids = [0, 1, 2, 3].map((n) => newBatchId(new Date(Date.now() - 86_400_000 + n * 1000)));
  const insert = (id: string | undefined, name: string, state: string, count = 1) =>
    pool.query(
      `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
       SELECT CASE WHEN n = 0 THEN $1::uuid ELSE overlay(gen_random_uuid()::text placing left($1::uuid::text, 13) from 1)::uuid END,
         $2, 'books', $3, $4::rowmill.batch_state, '{title}', '{"title":0}', 0, 0, now() FROM generate_series(0, $5::int) AS n`,
      [id, owner.userId, name, state, count - 1],
    );
  await insert(ids[0], "needle-1.csv", "completed");
  await insert(ids[1], "needle-2.csv", "failed");
  await insert(ids[2], "hay.csv", "completed", 30_000);
  await insert(ids[3], "needle-3.csv", "completed");
  await pool.query("ANALYZE rowmill.batches");
  const namesOf = async (query: string, client: Client = owner) => {
    const pages: string[][] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const route = client === admin ? "/api/v1/admin/batches" : "/api/v1/batches";
      const { body }: { body: { items: { filename: string }[]; next_cursor: string | null } } =
        await client.get(`${route}?${query}${cursor && `&cursor=${cursor}`}`);
      pages.push(body.items.map(({ filename }) => filename));
      cursor = body.next_cursor;
    }
    return pages;
  };
  const statements = recordReads(rowmill);
  expect(await namesOf("q=NEEDLE")).toEqual([["needle-3.csv"], [], [], ["needle-2.csv", "needle-1.csv"]]);
  const rows = [];
  for (const statement of statements.filter(({ text }) => text.includes("filename")))
    rows.push((await countRowsRead(pool, statement)).rows);
  expect(Math.max(...rows)).toBeGreaterThan(10_000);
  // The rows of a bitmap scan are counted in the index and in the table.
  expect(Math.max(...rows)).toBeLessThan(20_100);
  expect(await namesOf("q=needle&state=failed")).toEqual([[], [], [], ["needle-2.csv"]]);
  expect((await namesOf("q=needle", admin)).flat()).toEqual(["needle-3.csv", "needle-2.csv", "needle-1.csv"]);
  // Ids and numbers are found at once.
  expect(await namesOf(`q=${ids[0]}`)).toEqual([["needle-1.csv"]]);
  const { rows: numbers } = await pool.query("SELECT number FROM rowmill.batches WHERE id = $1", [ids[0]]);
  expect(await namesOf(`q=${numbers[0].number}`)).toEqual([["needle-1.csv"]]);
});

testOnOneServer("10,000 failed rows are looked at for a cause in one answer", async () => {
  const { pool } = rowmill.ctx;
  const batch = newBatchId(new Date());
  await pool.query(
    `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
     VALUES ($1, $2, 'books', 'failed.csv', 'completed_with_errors', '{title}', '{"title":0}', 0, 20005, now())`,
    [batch, owner.userId],
  );
  await pool.query(
    `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields) SELECT $1, n, '["a"]' FROM generate_series(2, 20006) AS n`,
    [batch],
  );
  // Every second row failed. The cause is looked for in the first 10,000 of them, and then in the last two.
  await pool.query(
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, error_code, error_message, errors)
     SELECT $1, n, 'failed', 1, 'required', 'is missing',
       json_build_array(json_build_object('column', 'title', 'code', CASE WHEN n IN (2, 20000, 20002) THEN 'rare' ELSE 'required' END, 'message', ''))
     FROM generate_series(2, 20004, 2) AS n`,
    [batch],
  );
  const path = `/api/v1/batches/${batch}/rows?error_code=`;
  const rowsOf = async (query: string) => {
    const { body } = await owner.get<{ items: { row: number }[]; next_cursor: string | null }>(
      `${path}${query}`,
    );
    return { rows: body.items.map(({ row }) => row), cursor: body.next_cursor };
  };
  const first = await rowsOf("rare");
  expect(first.rows).toEqual([2, 20000]);
  expect(await rowsOf(`rare&cursor=${first.cursor}`)).toEqual({ rows: [20002], cursor: null });
  expect((await rowsOf("rare&limit=1")).rows).toEqual([2]);
  expect((await rowsOf("required&error_column=title&limit=3")).rows).toEqual([4, 6, 8]);
  const statements = recordReads(rowmill);
  expect((await rowsOf("absent")).rows).toEqual([]);
  const reads = statements.filter(({ text }) => text.includes("row_results"));
  const counted = await Promise.all(reads.map((statement) => countRowsRead(pool, statement)));
  expect(counted.map(({ rows }) => rows)).toEqual([10_001, 10_000]);
});

test("an item longer than the text of one answer is searched, wherever it is", async () => {
  await add([...long(1), "Needle 1", ...long(2), "Needle 2", ...long(1)]);
  expect(await pagesOf("search=needle")).toEqual([[], ["Needle 2"], [], ["Needle 1"]]);
  expect((await pagesOf("search=hay")).flat()).toHaveLength(4);
});

test("items that are created or deleted between two pages neither hide a match nor repeat one", async () => {
  await add(["Needle 1", ...long(2), "Needle 2", "Needle 3", ...long(1)]);
  const first = await read("search=needle");
  expect(first.titles).toEqual([]);
  await add(["Needle 4"]);
  // The first is the item at which the search stopped.
  await rowmill.ctx.pool.query(
    "DELETE FROM rowmill.tasks WHERE user_id = $1 AND (title = 'Needle 2' OR number = (SELECT max(number) - 1 FROM rowmill.tasks WHERE user_id = $1))",
    [owner.userId],
  );
  const titles: string[] = [];
  for (let { cursor } = first; cursor !== null; ) {
    const page = await read("search=needle", cursor);
    titles.push(...page.titles);
    cursor = page.cursor;
  }
  expect(titles).toEqual(["Needle 3", "Needle 1"]);
});

test("the cursor of another search or filter continues at the same place of the list", async () => {
  await add(["Needle 1", ...long(1), "Needle 2", ...long(1), "Needle 3"]);
  const { cursor } = await read("search=absent");
  expect((await read("search=needle", cursor)).titles).toEqual(["Needle 2"]);
  expect((await read("limit=1&status=completed", cursor)).titles).toEqual(["Needle 2"]);
  expect((await read("search=needle&status=completed&queue=default", cursor)).titles).toEqual(["Needle 2"]);
});

test("the items of other users are neither found nor counted", async () => {
  const other = await rowmill.newUser();
  await add(["Needle 1"]);
  await add(["Needle of the other", ...long(3)], other.userId);
  await add(["Needle 2"]);
  await add([...short(10_000), "Needle of the other"], other.userId);
  expect(await pagesOf("search=needle")).toEqual([["Needle 2", "Needle 1"]]);
  const { cursor } = await read("search=absent", null, other);
  expect((await read("search=needle", cursor)).titles).toEqual(["Needle 2", "Needle 1"]);
});

test("the client library reads on after pages without a match", async () => {
  await add(["Needle 1", ...long(3), "Needle 2", ...long(3)]);
  const client = createClient({ baseUrl: rowmill.url, token: owner.token });
  const titles = [];
  for await (const { title } of client.list("/api/v1/tasks", { query: { search: "needle" } }))
    titles.push(title);
  expect(titles).toEqual(["Needle 2", "Needle 1"]);
});
