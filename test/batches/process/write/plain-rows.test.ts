/** Rows that are written in the database have the same results and records as rows that are read and checked one by one. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Client } from "../../../support/client.ts";
import { countRowWaits } from "../../../support/count.ts";
import { chunksOf, receive } from "../../../support/imports.ts";
import { nastyCell } from "../../../support/nasty-cells.ts";
import { type Random, randomOf } from "../../../support/random.ts";
import { deliver, forgetSizes, type StoredRow, uploadRows } from "../../../support/stored-rows.ts";
import { until } from "../../../support/until.ts";
import { useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill();

/** Three chunks of 25 rows. */
const ROWS = 75;
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const LIMITS = [200, 500, 10_000];

function nastyRow(random: Random, plainShare: number): StoredRow {
  if (random.below(100) < plainShare) {
    const title = random.below(3) === 0 ? `Title ${random.below(40)}` : `Title ${random.below(1e6)}`;
    return { fields: [title, "Author", `About ${random.below(100)}`], problem: null };
  }
  const cells = random.pick([3, 3, 3, 3, 3, 3, 0, 1, 2, 4, 5]);
  const fields = Array.from({ length: cells }, () => nastyCell(random, LIMITS));
  if (random.below(8) === 0) fields.push("");
  return { fields, problem: random.below(25) === 0 ? "A quoted cell does not end." : null };
}

/** As the columns are in the file; the mapping of the target follows it. */
const HEADERS = ["title,author,description", "description,author,title", "author,other,title"];

/** Everything but times, and the order of ids instead of ids. A message names a book by its id, which stands for the row that wrote it. */
async function outcomeOf(batch: string, { userId }: Client, target: string) {
  const { pool } = rowmill.ctx;
  const { rows: records } = await pool.query(
    target === "books"
      ? `SELECT id, title, author, description, is_copy, batch_id IS NOT NULL AS "isImported", row_number FROM rowmill.books
        WHERE user_id = $1 ORDER BY id`
      : `SELECT id, data::text, row_number FROM rowmill.records WHERE user_id = $1 ORDER BY id`,
    [userId],
  );
  const names = new Map(records.map(({ id, ...record }) => [String(id), JSON.stringify(record)]));
  const named = (text: string | null) =>
    text?.replace(/book (\d+)/g, (_, id) => `book ${names.get(id)}`) ?? null;
  const { rows: results } = await pool.query(
    `SELECT row_number, status, attempts, error_code, error_message, errors::text, record_id, record_key, effect, before
    FROM rowmill.row_results WHERE batch_id = $1 ORDER BY row_number`,
    [batch],
  );
  const { rows: chunks } = await pool.query(
    `SELECT first_row, state, attempt, succeeded, failed, created, updated, unchanged FROM rowmill.chunks
    WHERE batch_id = $1 ORDER BY first_row`,
    [batch],
  );
  const { rows: batches } = await pool.query(
    "SELECT state, reason, chunks_left FROM rowmill.batches WHERE id = $1",
    [batch],
  );
  return {
    records: records.map(({ id: _, ...record }) => record),
    results: results.map(({ record_id, ...result }) => ({
      ...result,
      record: names.get(String(record_id)) ?? null,
      error_message: named(result.error_message),
      errors: named(result.errors),
      before: result.before && { ...result.before, batch_id: result.before.batch_id === batch },
    })),
    chunks,
    batches,
  };
}

const EARLIER = ["Emma", "Title 1", "Title 2", "caf\u00e9", "stra\u00dfe"];

async function ownEarlierBooks({ userId }: Client): Promise<void> {
  await rowmill.ctx.pool.query(
    `INSERT INTO rowmill.books (user_id, title, author, description)
    SELECT $1, title, author, 'earlier' FROM unnest($2::text[]) AS title, unnest($2::text[] || 'Author'::text) AS author`,
    [userId, EARLIER],
  );
}

const CASES = (["insert", "skip_existing", "upsert", "append"] as const).map((mode) => ({
  target: "books",
  mode,
}));

test.for([...CASES, { target: "records", mode: "insert" as const }])(
  "$target in the mode $mode: plain rows have the results and records that others would have",
  async ({ target, mode }) => {
    let plain = 0;
    for (const seed of SEEDS) {
      const random = randomOf(seed);
      const share = random.pick([40, 90, 98]);
      const rows = Array.from({ length: ROWS }, () => nastyRow(random, share));
      const header = seed % 4 === 0 ? random.pick(HEADERS) : (HEADERS[0] ?? "");
      const outcomes = [];
      const order = random.pick([
        [2, 27, 52],
        [52, 27, 2],
        [27, 52, 2],
      ]);
      for (const isRead of [false, true]) {
        const user = await rowmill.newUser();
        if (seed % 2 === 0) await ownEarlierBooks(user);
        const batch = await uploadRows(rowmill, user, rows, { mode, target, header });
        expect(await chunksOf(rowmill, batch)).toEqual([2, 27, 52]);
        if (isRead) await forgetSizes(rowmill, batch);
        const written = await deliver(rowmill, batch, order);
        if (isRead) expect(written).toBe(0);
        else plain += written;
        outcomes.push(await outcomeOf(batch, user, target));
      }
      expect(outcomes[0], `seed ${seed}`).toEqual(outcomes[1]);
    }
    expect(plain).toBeGreaterThan((SEEDS.length * ROWS) / 10);
  },
);

test("every row of a plain file is written in the database", async () => {
  for (const target of ["books", "records"]) {
    const user = await rowmill.newUser();
    const rows = Array.from({ length: ROWS }, (_, index) => ({
      fields: [` Title ${index}\u00a0`, "caf\u00e9 \u7d05\u6a13\u5922", index % 2 ? "\u{1f600}" : ""],
      problem: null,
    }));
    const header = "title,author,description";
    const batch = await uploadRows(rowmill, user, rows, { mode: "insert", target, header });
    expect(await deliver(rowmill, batch, [2, 27, 52])).toBe(ROWS);
    expect((await user.batch(batch)).body).toMatchObject({ state: "completed", counts: { success: ROWS } });
  }
});

test("a chunk does not wait for a transaction that may wait for it", async () => {
  const user = await rowmill.newUser();
  const keyOf = (title: string) => createHash("md5").update(`${title}\x1fauthor`).digest("hex");
  // Writes in the order of the keys begin with the last row of the file.
  const titles = Array.from({ length: 25 }, (_, index) => `title ${index}`).toSorted((one, other) =>
    keyOf(one) < keyOf(other) ? 1 : -1,
  );
  const [first, last] = [titles.at(0), titles.at(-1)];
  const batch = await receive(user, `title,author\n${titles.map((title) => `${title},author\n`).join("")}`);
  const other = await rowmill.ctx.pool.connect();
  try {
    const insert = "INSERT INTO rowmill.books (user_id, title, author) VALUES ($1, $2, 'author')";
    await other.query("BEGIN");
    // Shorter than that of the chunk, so that this transaction would fail if both waited for each other.
    await other.query("SET LOCAL deadlock_timeout = '500ms'");
    await other.query(insert, [user.userId, last]);
    const delivered = deliver(rowmill, batch, [2]);
    await until("the chunk waits", async () => (await countRowWaits(rowmill.ctx.pool)) > 0);
    await other.query(insert, [user.userId, first]);
    await other.query("COMMIT");
    expect(await delivered).toBe(titles.length - 2);
  } finally {
    other.release(true);
  }
  const { counts } = (await user.batch(batch)).body;
  expect(counts).toMatchObject({ success: titles.length - 2, failed: 2 });
});
