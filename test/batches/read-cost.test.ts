import { describe, expect, test } from "vitest";
import type { RowView } from "../../src/batches/row-views.ts";
import { books, HEADER, type Page, uploaded, work } from "../support/batch-reads.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

describe("the cost of a status read", () => {
  /** Rows and index entries of a batch's rows and results that were read so far, by anybody. */
  async function rowsRead(): Promise<number> {
    const { pool, reads } = rowmill.ctx;
    // Each connection tells the server what it read; told to, it does so at once.
    for (const each of [pool, reads.pool]) {
      const clients = await Promise.all(Array.from({ length: each.totalCount }, () => each.connect()));
      for (const client of clients) {
        await client.query("SELECT pg_stat_force_next_flush()");
        client.release();
      }
    }
    const { rows } = await pool.query(`
      SELECT (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables
          WHERE relname ~ '^(batch_rows|row_results)(_|$)')::float
        + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
          WHERE relname ~ '^(batch_rows|row_results)(_|$)')::float AS read`);
    return rows[0].read;
  }

  test("a status read reads no rows, so its cost does not grow with them", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(20_000));
    const check = async () => {
      const before = await rowsRead();
      for (let read = 0; read < 20; read++) {
        expect((await user.batch(id)).body.counts.total).toBe(20_000);
        expect((await user.get("/api/v1/batches")).status).toBe(200);
      }
      expect((await rowsRead()) - before).toBe(0);
    };
    await check();
    await work(rowmill, user, id);
    await check();
  });

  test("a page of rows costs the same anywhere in the batch", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(20_000));
    await work(rowmill, user, id);
    const cursor = Buffer.from("19000").toString("base64url");
    for (const query of [
      "limit=10",
      `limit=10&cursor=${cursor}`,
      `limit=10&status=failed&cursor=${cursor}`,
    ]) {
      const before = await rowsRead();
      const { body } = await user.get<Page<RowView>>(`/api/v1/batches/${id}/rows?${query}`);
      expect(body.items).toHaveLength(10);
      const read = (await rowsRead()) - before;
      // That it is not 0 shows that reads are seen at all.
      expect([query, read > 0, read < 200]).toEqual([query, true, true]);
    }
  });
});
