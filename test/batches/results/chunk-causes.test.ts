/** The causes that are kept per chunk give the same groups of errors as the failed rows themselves, whatever happened to the batch. */
import { describe, expect, test } from "vitest";
import { processChunk } from "../../../src/batches/process/process-chunk.ts";
import { splitChunk } from "../../../src/batches/process/split-chunk.ts";
import type { ErrorGroupsView } from "../../../src/batches/results/views.ts";
import { removeLostCauses } from "../../../src/batches/upkeep/remove-lost-causes.ts";
import { inTransaction } from "../../../src/context.ts";
import { Later } from "../../../src/platform/queue/later.ts";
import type { RowError } from "../../../src/schema/batches.ts";
import { deliverChunk, deliverUndo, deliverWhole } from "../../support/batches.ts";
import type { Client } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { countRowsRead, recordReads } from "../../support/explained-reads.ts";
import { chunksOf, importFile, receive } from "../../support/imports.ts";
import { testOnOneServer } from "../../support/one-server.ts";
import { STATISTICS } from "../../support/plans.ts";
import { type Random, randomOf } from "../../support/random.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

const SEEDS = Array.from({ length: 16 }, (_, index) => index + 1);
const ROWS = 60;
const STEPS = 14;

type Groups = Omit<ErrorGroupsView, "groups"> & { groups: object[] };

/** Groups all failed rows of the batch, one by one. */
async function groupsOfRows(batch: string): Promise<Groups> {
  const { rows } = await rowmill.ctx.pool.query<{ row: number; errors: RowError[] }>(
    `SELECT row_number AS row, errors FROM rowmill.row_results WHERE batch_id = $1 AND status = 'failed' ORDER BY row_number`,
    [batch],
  );
  const groups = new Map<string, RowError & { count: number; rows: number[] }>();
  for (const { row, errors } of rows) {
    for (const [key, error] of new Map(
      errors.map((each) => [JSON.stringify([each.code, each.column]), each]),
    )) {
      const group = groups.get(key) ?? { ...error, count: 0, rows: [] };
      group.count++;
      if (group.rows.length < 5) group.rows.push(row);
      groups.set(key, group);
    }
  }
  return {
    failed: rows.length,
    groups: [...groups.values()].toSorted((a, b) => b.count - a.count),
    ungrouped: 0,
  };
}

async function groupsOfChunks(user: Client, batch: string): Promise<Groups> {
  const { status, body } = await user.get<ErrorGroupsView>(`/api/v1/batches/${batch}/errors`);
  expect(status).toBe(200);
  return { ...body, groups: body.groups.map(({ rows_url: _, ...group }) => group) };
}

/** The chunks whose causes count. */
const countKept = (batch: string) =>
  count(
    rowmill.ctx.pool,
    `SELECT count(*) FROM rowmill.chunks JOIN rowmill.chunk_causes AS stored USING (batch_id, first_row, last_row, attempt, failed)
     WHERE batch_id = $1 AND chunk_updated_at = updated_at`,
    [batch],
  );

function cellsOf(random: Random): string {
  const title = random.pick(["", `Title ${random.below(30)}`, "x".repeat(501), `Title ${random.below(1e6)}`]);
  const author = random.pick(["", "Author", "Author", "Author", "y".repeat(301)]);
  return `${title},${author},`;
}

/** Commands that the state of the batch may refuse. */
async function change(random: Random, user: Client, batch: string): Promise<void> {
  const { ctx } = rowmill;
  const post = (command: string, body?: object) => user.post(`/api/v1/batches/${batch}/${command}`, body);
  const chunks = await chunksOf(rowmill, batch);
  const { rows: failed } = await ctx.pool.query<{ row: number }>(
    "SELECT row_number AS row FROM rowmill.row_results WHERE batch_id = $1 AND status = 'failed'",
    [batch],
  );
  const chosen = failed.map(({ row }) => row).filter(() => random.below(3) === 0);
  switch (random.below(14)) {
    case 0:
      return void (await post("retry", { unprocessed: true }));
    case 1:
    case 2:
      return void (await post("retry", { rows: chosen, unprocessed: true }));
    case 3: {
      for (const row of chosen)
        await user.patch(`/api/v1/batches/${batch}/rows/${row}`, {
          fields: { title: random.pick(["", "Title 1", `Edited ${random.below(1e6)}`]), author: "Author" },
        });
      return void (await post("retry", { rows: chosen, unprocessed: true }));
    }
    case 4:
      return void (await post(random.pick(["cancel", "pause"])));
    case 5:
      return void (await post(random.pick(["resume", "commit"])));
    case 6: {
      await post("undo");
      return void (await deliverUndo(ctx, batch));
    }
    case 7:
      return splitChunk(ctx, { batchId: batch, firstRow: random.pick(chunks) }, "crashed");
    case 8:
      return killDelivery(batch, random.pick(chunks));
    default: {
      await deliverWholeIf(batch);
      const order = random.below(2) === 0 ? chunks : chunks.toReversed();
      for (const firstRow of order.filter(() => random.below(2) === 0)) await deliver(batch, firstRow);
    }
  }
}

async function isWhole(batch: string): Promise<boolean> {
  const condition = "id = $1 AND (is_dry_run OR policy = 'atomic')";
  return (
    (await count(rowmill.ctx.pool, `SELECT count(*) FROM rowmill.batches WHERE ${condition}`, [batch])) > 0
  );
}

async function deliverWholeIf(batch: string): Promise<void> {
  if (await isWhole(batch)) await deliverWhole(rowmill.ctx, batch);
}

async function deliver(batch: string, firstRow: number): Promise<void> {
  if (await isWhole(batch)) return;
  let settled = await deliverChunk(rowmill.ctx, batch, firstRow);
  while (settled instanceof Later)
    settled = await deliverChunk(rowmill.ctx, batch, firstRow, settled.payload as never);
}

/** The worker dies before the commit. */
async function killDelivery(batch: string, firstRow: number): Promise<void> {
  if (await isWhole(batch)) return;
  const { ctx } = rowmill;
  const delivery = { id: batch, payload: {}, attempt: 1, signal: new AbortController().signal };
  const killed = inTransaction(ctx, async (tx) => {
    await processChunk(ctx, tx, { batchId: batch, firstRow }, delivery);
    throw new Error("killed");
  });
  await expect(killed).rejects.toThrow("killed");
}

/** Programs of 0.11.0 change the same tables in the same way, and leave the causes as they are. */
async function asOlderProgram(batch: string, step: () => Promise<void>): Promise<void> {
  const { pool } = rowmill.ctx;
  await pool.query(
    "CREATE TABLE rowmill.causes_before AS SELECT * FROM rowmill.chunk_causes WHERE batch_id = $1",
    [batch],
  );
  await step();
  await pool.query("DELETE FROM rowmill.chunk_causes WHERE batch_id = $1", [batch]);
  await pool.query("INSERT INTO rowmill.chunk_causes SELECT * FROM rowmill.causes_before");
  await pool.query("DROP TABLE rowmill.causes_before");
}

test.for([
  ["insert", "partial", false],
  ["insert", "partial", true],
  ["skip_existing", "partial", false],
  ["upsert", "partial", false],
  ["insert", "atomic", false],
] as const)(
  "%s, %s, dry run %s: after every step of a random history, the groups are those of the rows",
  async ([mode, policy, isDryRun]) => {
    let kept = 0;
    for (const seed of SEEDS) {
      const random = randomOf(seed);
      const user = await rowmill.newUser();
      const file = `title,author,description\n${Array.from({ length: ROWS }, () => `${cellsOf(random)}\n`).join("")}`;
      const path = `/api/v1/batches?target=books&mode=${mode}&policy=${policy}&dry_run=${isDryRun}&force=true`;
      const { body } = await user.upload(file, path);
      for (let step = 0; step < STEPS; step++) {
        const next = () => change(random, user, body.id);
        if (random.below(3) === 0) await asOlderProgram(body.id, next);
        else await next();
        expect([seed, step, await groupsOfChunks(user, body.id)]).toEqual([
          seed,
          step,
          await groupsOfRows(body.id),
        ]);
        kept += await countKept(body.id);
      }
    }
    expect(kept).toBeGreaterThan(SEEDS.length);
  },
);

const NO_TITLE = ",Author,\n";

test("causes of a dry run do not count after an older program has committed it", async () => {
  const user = await rowmill.newUser();
  const { body } = await user.upload(
    `title,author,description\n${NO_TITLE.repeat(2)}`,
    "/api/v1/batches?target=books&dry_run=true",
  );
  await deliverWhole(rowmill.ctx, body.id);
  expect(await countKept(body.id)).toBe(1);
  await user.patch(`/api/v1/batches/${body.id}/rows/3`, { fields: { title: "Title", author: "" } });
  await asOlderProgram(body.id, async () => {
    expect((await user.post(`/api/v1/batches/${body.id}/commit`)).status).toBe(200);
    await deliver(body.id, 2);
  });
  const groups = await groupsOfRows(body.id);
  expect(groups).toMatchObject({ failed: 2, groups: [{ column: "title" }, { column: "author" }] });
  expect(await groupsOfChunks(user, body.id)).toEqual(groups);
});

test("causes do not count after one failed row was retried and another row has failed", async () => {
  const user = await rowmill.newUser();
  const others = (from: number) =>
    Array.from({ length: 24 }, (_, index) => `Title ${from + index},Author,\n`);
  const rows = [NO_TITLE, ...others(0), NO_TITLE, NO_TITLE, "Late,Author,\n", ...others(100)];
  const batch = await importFile(rowmill, user, `title,author,description\n${rows.join("")}`);
  const [, second] = await chunksOf(rowmill, batch);
  expect(second).toBe(27);
  await user.patch(`/api/v1/batches/${batch}/rows/2`, { fields: { title: "Late" } });
  expect((await user.post(`/api/v1/batches/${batch}/retry`, { rows: [2, 28] })).status).toBe(202);
  // Row 2 takes the book of row 29.
  await deliver(batch, 2);
  const groups = await groupsOfRows(batch);
  expect(groups).toMatchObject({ failed: 2, groups: [{ code: "required" }, { code: "duplicate" }] });
  expect(await groupsOfChunks(user, batch)).toEqual(groups);
});

test("a chunk with too many causes has its rows read", async () => {
  const user = await rowmill.newUser();
  const columns = Array.from({ length: 250 }, (_, index) => `column_${index}`);
  const batch = await importFile(rowmill, user, `title,author,description\n${",,text\n".repeat(40)}`);
  const { pool } = rowmill.ctx;
  // As if the rows had broken a rule in each column.
  const errors = columns.map((column) => ({ column, code: "required", message: `${column} is required` }));
  await pool.query("UPDATE rowmill.row_results SET errors = $2 WHERE batch_id = $1", [
    batch,
    JSON.stringify(errors),
  ]);
  await pool.query("DELETE FROM rowmill.chunk_causes WHERE batch_id = $1", [batch]);
  await user.post(`/api/v1/batches/${batch}/retry`, { rows: [2] });
  await deliverChunk(rowmill.ctx, batch);
  expect(await countKept(batch)).toBe(0);
  expect(await groupsOfChunks(user, batch)).toEqual(await groupsOfRows(batch));
});

test("causes are removed with their batch, also if the program that removes it does not know them", async () => {
  const user = await rowmill.newUser();
  const left = () =>
    count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.chunk_causes WHERE batch_id = ANY($1)", [ids]);
  const ids: string[] = [];
  for (let index = 0; index < 3; index++)
    ids.push(await importFile(rowmill, user, "title,author,description\n,,text\n"));
  expect(await left()).toBe(3);
  expect((await user.delete(`/api/v1/batches/${ids[0]}`)).status).toBeLessThan(300);
  expect(await left()).toBe(2);
  await rowmill.ctx.pool.query("DELETE FROM rowmill.batches WHERE id = $1", [ids[1]]);
  expect(await removeLostCauses(rowmill.ctx)).toBe(1);
  expect(await left()).toBe(1);
  expect((await groupsOfChunks(user, ids[2] ?? "")).failed).toBe(1);
});

describe.for(STATISTICS)("with %s statistics", (statistics) => {
  const own = useRowmill({ settings: { REQUEST_LOG: "off" } });

  testOnOneServer("the errors of a batch read its chunks and one row per group", async () => {
    const user = await own.newUser();
    const { pool } = own.ctx;
    if (statistics === "stale") await pool.query("ANALYZE");
    // Of other batches. A table of one page would be read as a whole.
    await pool.query(
      `INSERT INTO rowmill.chunk_causes (batch_id, first_row, last_row, attempt, failed, chunk_updated_at, causes)
       SELECT gen_random_uuid(), 2, 11, 1, 10, now(), '[]' FROM generate_series(1, 20000)`,
    );
    const file = `title,author,description\n${",,text\n".repeat(40_000)}`;
    const batch = await receive(user, file);
    const chunks = await chunksOf(own, batch);
    for (const firstRow of chunks) await deliverChunk(own.ctx, batch, firstRow);
    if (statistics === "fresh") await pool.query("ANALYZE");
    const statements = recordReads(own);
    const { body } = await user.get<ErrorGroupsView>(`/api/v1/batches/${batch}/errors`);
    expect(body).toMatchObject({
      failed: 40_000,
      ungrouped: 0,
      groups: [{ count: 40_000 }, { count: 40_000 }],
    });
    let rows = 0;
    for (const statement of statements.filter(({ text }) => /row_results|chunk_causes/.test(text)))
      rows += (await countRowsRead(pool, statement)).rows;
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(4 * chunks.length);
  });
});
