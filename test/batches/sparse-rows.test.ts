/** Rows that few chunks have are found without the rows of the other chunks, whatever the planner knows. */
import { beforeAll, describe, expect, test } from "vitest";
import { newBatchId } from "../../src/batches/ids.ts";
import { getBatch } from "../../src/batches/queries.ts";
import { listRows } from "../../src/batches/row-queries.ts";
import type { RowView } from "../../src/batches/row-views.ts";
import type { BatchState } from "../../src/schema/batches.ts";
import { type Page, paged } from "../support/batch-reads.ts";
import { countRowsRead, recordReads, type Statement } from "../support/explained-reads.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { STATISTICS } from "../support/plans.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const CHUNK_ROWS = 5000;
const CHUNKS = 8;
/** The rows of a chunk, which a bitmap scan reads in the index and in the table, and of a page with its cells and counts. */
const MAX_ROWS = 11_000;
/** An empty page is read twice, and a bitmap scan reads each chunk and the batch in the index and in the table. */
const MAX_OF_CHUNKS = 4 * (CHUNKS + 1);

describe.for(STATISTICS)("with %s statistics", (statistics) => {
  const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
  const user = useUser(rowmill);
  let statements: Statement[];

  /** All rows failed, but for ten in the third chunk. @param undone more rows, which were undone; each chunk counts its own if `isCounted` */
  async function addBatch(
    state: BatchState,
    undone: readonly number[] = [],
    isCounted = true,
  ): Promise<string> {
    const { pool, now } = rowmill.ctx;
    const id = newBatchId(now());
    const isSuccess = `(row BETWEEN ${3 * CHUNK_ROWS - 9} AND ${3 * CHUNK_ROWS} OR row = ANY($2))`;
    await pool.query(
      `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
       VALUES ($1, $2, 'books', 'sparse.csv', $3::rowmill.batch_state, '{title}', '{"title":0}', 0, $4, $5)`,
      [id, user.userId, state, CHUNKS * CHUNK_ROWS, state === "undoing" ? null : now()],
    );
    await pool.query(
      `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields) SELECT $1, row, '["a"]' FROM generate_series(1, $2::int) AS row`,
      [id, CHUNKS * CHUNK_ROWS],
    );
    await pool.query(
      `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, error_code, error_message, effect, undo)
       SELECT $1, row, (CASE WHEN ${isSuccess} THEN 'success' ELSE 'failed' END)::rowmill.row_status, 1,
         CASE WHEN NOT ${isSuccess} THEN 'required' END, CASE WHEN NOT ${isSuccess} THEN 'is missing' END,
         CASE WHEN ${isSuccess} THEN 'created'::rowmill.row_effect END, CASE WHEN row = ANY($2) THEN 'reversed'::rowmill.undo_outcome END
       FROM generate_series(1, ${CHUNKS * CHUNK_ROWS}) AS row`,
      [id, undone],
    );
    await pool.query(
      `INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, failed, created, reversed, is_undone)
       SELECT batch_id, min(row_number), max(row_number), count(*), 'done', count(*) FILTER (WHERE status = 'success'),
         count(*) FILTER (WHERE status = 'failed'), count(effect), CASE WHEN $2 THEN count(undo) ELSE 0 END, $2 AND count(undo) > 0
       FROM rowmill.row_results WHERE batch_id = $1 GROUP BY batch_id, (row_number - 1) / ${CHUNK_ROWS}`,
      [id, isCounted],
    );
    return id;
  }

  async function read(id: string, query: string) {
    statements.length = 0;
    const { status, body } = await user.get<Page<RowView>>(`/api/v1/batches/${id}/rows?${query}`);
    expect(status).toBe(200);
    const reads = statements.filter(({ text }) => text.includes("row_results"));
    const counted = [];
    for (const statement of reads) counted.push(await countRowsRead(rowmill.ctx.pool, statement));
    return {
      rows: body.items.map(({ row }) => row),
      cursor: body.next_cursor,
      cost: counted.reduce((sum, { rows }) => sum + rows, 0),
    };
  }

  const succeeded = Array.from({ length: 10 }, (_, index) => 3 * CHUNK_ROWS - 9 + index);

  beforeAll(async () => {
    const { pool } = rowmill.ctx;
    const { rows } = await pool.query<{ name: string }>(
      `SELECT relid::text AS name FROM unnest('{batch_rows,row_results,chunks}'::text[]) AS parent (name),
         pg_partition_tree(format('rowmill.%I', parent.name)) WHERE isleaf`,
    );
    for (const { name } of rows) await pool.query(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`);
    if (statistics === "stale") await pool.query("ANALYZE");
    statements = recordReads(rowmill);
  });

  testOnOneServer("a page of rows that one chunk has reads that chunk", async () => {
    const id = await addBatch("completed_with_errors");
    if (statistics === "fresh") await rowmill.ctx.pool.query("ANALYZE");
    for (const limit of [100, 1000]) {
      const page = await read(id, `status=success&limit=${limit}`);
      expect(page).toMatchObject({ rows: succeeded, cursor: null });
      expect(page.cost).toBeGreaterThan(0);
      expect(page.cost).toBeLessThan(MAX_ROWS);
    }
    expect(await paged(user, `/api/v1/batches/${id}/rows?status=success`, 3)).toHaveLength(10);
    const late = await read(id, `status=success&from_row=${3 * CHUNK_ROWS - 1}`);
    expect(late.rows).toEqual(succeeded.slice(-2));
  });

  test("a page of rows that no chunk has reads only chunks", async () => {
    const id = await addBatch("completed_with_errors");
    for (const query of ["status=undone", `status=success&from_row=${3 * CHUNK_ROWS + 1}`]) {
      const page = await read(id, query);
      expect(page).toMatchObject({ rows: [], cursor: null });
      expect(page.cost).toBeLessThanOrEqual(MAX_OF_CHUNKS);
    }
  });

  test("chunks between two that have rows are not read", async () => {
    const undone = [CHUNK_ROWS - 1, CHUNK_ROWS, CHUNKS * CHUNK_ROWS];
    const id = await addBatch("undone", undone);
    if (statistics === "fresh") await rowmill.ctx.pool.query("ANALYZE");
    const page = await read(id, "status=undone");
    expect(page).toMatchObject({ rows: undone, cursor: null });
    expect(page.cost).toBeLessThan(2 * MAX_ROWS);
    const pages = await paged<RowView>(user, `/api/v1/batches/${id}/rows?status=undone`, 1);
    expect(pages.map(({ row }) => row)).toEqual(undone);
  });

  test("a page of rows that all chunks have reads that page", async () => {
    const id = await addBatch(
      "undone",
      Array.from({ length: CHUNKS * CHUNK_ROWS }, (_, index) => index + 1),
    );
    if (statistics === "fresh") await rowmill.ctx.pool.query("ANALYZE");
    for (const query of ["status=undone&limit=100", `status=undone&limit=100&from_row=${CHUNK_ROWS}`]) {
      const page = await read(id, query);
      expect(page.rows).toHaveLength(100);
      expect(page.cost).toBeLessThan(MAX_ROWS);
    }
  });

  test("undone rows are found in the chunks that count them", async () => {
    const undone = [7, 2 * CHUNK_ROWS];
    const id = await addBatch("undone", undone);
    const page = await read(id, "status=undone&limit=1000");
    expect(page).toMatchObject({ rows: undone, cursor: null });
    expect(page.cost).toBeLessThan(2 * CHUNK_ROWS + MAX_ROWS);
    expect((await read(id, "status=success")).rows).toEqual(succeeded);
  });

  test("rows that an endpoint has undone are found before their chunk counts them", async () => {
    const undone = [CHUNKS * CHUNK_ROWS - 5, CHUNKS * CHUNK_ROWS];
    const id = await addBatch("undoing", undone, false);
    const page = await read(id, "status=undone");
    expect(page).toMatchObject({ rows: undone, cursor: null });
    expect(page.cost).toBeLessThan(MAX_ROWS);
    expect((await read(id, "status=success")).rows).toEqual(succeeded);
  });

  test("no row is left out if an undo has started since the batch was read", async () => {
    const { ctx } = rowmill;
    const first = 6 * CHUNK_ROWS + 1;
    const [reversed, kept] = [[first, first + 1, first + 2, first + 3], [CHUNKS * CHUNK_ROWS]];
    const id = await addBatch("undoing", [...reversed, ...kept], false);
    await ctx.pool.query(
      "UPDATE rowmill.row_results SET undo = 'kept' WHERE batch_id = $1 AND row_number = ANY($2)",
      [id, kept],
    );
    await ctx.pool.query(
      "UPDATE rowmill.chunks SET is_undone = true, kept = 1 WHERE batch_id = $1 AND last_row = $2",
      [id, CHUNKS * CHUNK_ROWS],
    );
    const batch = { ...(await getBatch(ctx, user.userId, id)), state: "completed" as const };
    const page = { after: 3 * CHUNK_ROWS, limit: 2 };
    const { items, hasMore } = await listRows(ctx, batch, { ...page, status: "success" });
    expect([items.map(({ row }) => row), hasMore]).toEqual([kept, false]);
    const undone = await listRows(ctx, batch, { ...page, status: "undone" });
    expect([undone.items.map(({ row }) => row), undone.hasMore]).toEqual([reversed.slice(0, 2), true]);
  });
});
