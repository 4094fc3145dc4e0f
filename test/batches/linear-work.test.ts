/** The undo and the deletion of a large batch read as many rows per row as those of a small one, which needs no clock to see. */
import pg from "pg";
import { expect, test } from "vitest";
import { removeBatch } from "../../src/batches/upkeep/remove-batch.ts";
import type { BatchMode } from "../../src/schema/batches.ts";
import { command, deliverUndo } from "../support/batches.ts";
import { importFile } from "../support/imports.ts";
import { rowsRead } from "../support/rows-read.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const SMALL = 2000;
const LARGE = 20_000;
/** How many times as much is read for ten times the rows. What is read once per batch or per chunk is little. */
const MOST = 11;

const TABLES = ["batch_rows", "row_results", "row_history", "row_values", "row_waits", "books", "records"];

const rowmill = useRowmill();

const file = (rows: number, description: string) =>
  `title,author,description\n${Array.from({ length: rows }, (_, row) => `Title ${row},Author,${description}\n`).join("")}`;

/** Counts what `work` reads while another connection has an old snapshot, as a backup has. */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const backup = new pg.Client({ connectionString: rowmill.ctx.config.databaseUrl });
  await backup.connect();
  try {
    await backup.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await backup.query("SELECT FROM rowmill.batches LIMIT 1");
    const before = await rowsRead(rowmill, TABLES);
    await work();
    return (await rowsRead(rowmill, TABLES)) - before;
  } finally {
    await backup.end();
  }
}

test.for<[BatchMode, string]>([
  ["append", "books"],
  ["upsert", "books"],
  ["append", "records"],
])(
  "the undo of a batch of mode %s in %s reads ten times as much for ten times the rows",
  async ([mode, target]) => {
    const cost = async (rows: number) => {
      const user = await rowmill.newUser();
      if (mode === "upsert") await importFile(rowmill, user, file(rows, "before"));
      const batch = await importFile(rowmill, user, file(rows, "after"), mode, { target });
      await command(user, batch, "undo");
      const read = await costOf(() => deliverUndo(rowmill.ctx, batch));
      expect((await user.batch(batch)).body.counts).toMatchObject({ undone: rows });
      return read;
    };
    const small = await cost(SMALL);
    // Each row has a result and a record.
    expect(small).toBeGreaterThan(2 * SMALL);
    expect((await cost(LARGE)) / small).toBeLessThan(MOST);
  },
);

test("the deletion of a batch reads four times as much for four times the rows", async () => {
  const cost = async (rows: number) => {
    const user = await rowmill.newUser();
    const batch = await importFile(rowmill, user, file(1, ""));
    // Several statements remove them. Uploaded, they would take minutes.
    const { pool } = rowmill.ctx;
    const added = `FROM generate_series(100, ${rows + 99}) AS row`;
    await pool.query(
      `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields) SELECT $1, row, '[]' ${added}`,
      [batch],
    );
    await pool.query(
      `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect)
      SELECT $1, row, 'success', 1, 'created' ${added}`,
      [batch],
    );
    await pool.query(
      `INSERT INTO rowmill.row_values (batch_id, position, hash, row_number) SELECT $1, 0, md5(row::text)::uuid, row ${added}`,
      [batch],
    );
    return costOf(() => removeBatch(rowmill.ctx, batch));
  };
  const small = await cost(100_000);
  expect(small).toBeGreaterThan(300_000);
  expect((await cost(400_000)) / small).toBeLessThan(4.5);
});
