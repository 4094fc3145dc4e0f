/** Retention drops the partition of a day whose batches have all expired, and uploads need no partition. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { describe, expect, test, vi } from "vitest";
import { newBatchId } from "../../../src/batches/ids.ts";
import { getBatch } from "../../../src/batches/queries.ts";
import { exportResults } from "../../../src/batches/results/export-results.ts";
import { prepareToday } from "../../../src/batches/upkeep/prepare-today.ts";
import { removeOldBatches } from "../../../src/batches/upkeep/remove-old-batches.ts";
import { signsOfLife } from "../../../src/batches/upkeep/signs-of-life.ts";
import { checkTables } from "../../../src/cli/doctor-tables.ts";
import type { Context } from "../../../src/context.ts";
import { timeOfUuidV7 } from "../../../src/platform/ids.ts";
import { firstIdOf } from "../../../src/platform/postgres/partitions/exchange-tables.ts";
import { removeOldEntries } from "../../../src/request-log/remove-old-entries.ts";
import { csv } from "../../support/book-files.ts";
import { count } from "../../support/count.ts";
import { prepareRowDays } from "../../support/day-partitions.ts";
import { importFile, receive } from "../../support/imports.ts";
import { testOnOneServer } from "../../support/one-server.ts";
import { nodesOf } from "../../support/postgres.ts";
import { asRole, readsAndWrites, readsWritesAndCalls } from "../../support/roles.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { startSecondApi } from "../../support/second-api.ts";
import { Stopwatch, timed } from "../../support/stopwatch.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** RETENTION_DAYS, unless a test sets it. */
const KEPT_MS = 30 * DAY_MS;

/** The context at another time. */
const later = <C extends Context>(ctx: C, ms: number): C => ({
  ...ctx,
  now: () => new Date(Date.now() + ms),
});

const dayOf = (batchId: string) => timeOfUuidV7(batchId).toISOString().slice(0, 10).replaceAll("-", "");

/** The partitions of a table, without the name of the table. */
async function partitions({ ctx }: Rowmill, table = "row_results"): Promise<string[]> {
  const { rows } = await ctx.pool.query<{ name: string }>(
    `SELECT substr(relname, length($1) + 2) AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = format('rowmill.%I', $1::text)::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** The rows and results of a batch, by partition. */
async function stored(rowmill: Rowmill, batchId: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const table of ["batch_rows", "row_results"]) {
    for (const partition of await partitions(rowmill, table)) {
      const name = `${table}_${partition}`;
      const rows = await count(rowmill.ctx.pool, `SELECT count(*) FROM rowmill.${name} WHERE batch_id = $1`, [
        batchId,
      ]);
      if (rows > 0) found[name] = rows;
    }
  }
  return found;
}

/** A connection that the test ends even if it fails. */
async function openReader({ config }: Rowmill) {
  const client = new pg.Client({ connectionString: config.databaseUrl });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function finishLater({ ctx }: Rowmill, batchId: string, ms: number): Promise<void> {
  const read = "SELECT finished_at AS at FROM rowmill.batches WHERE id = $1";
  const { rows } = await ctx.pool.query<{ at: Date }>(read, [batchId]);
  const at = new Date((rows[0]?.at.getTime() ?? 0) + ms);
  await ctx.pool.query("UPDATE rowmill.batches SET finished_at = $2 WHERE id = $1", [batchId, at]);
}

async function dropPartitions(rowmill: Rowmill): Promise<void> {
  for (const table of ["batch_rows", "row_results"]) {
    for (const name of await partitions(rowmill, table))
      if (name !== "default") await rowmill.ctx.pool.query(`DROP TABLE rowmill.${table}_${name}`);
  }
}

test("a migrated database has partitions for today and for each of the next seven days", async () => {
  await using rowmill = await startRowmill();
  expect(await partitions(rowmill)).toHaveLength(8 + 1);
  expect(await partitions(rowmill, "batch_rows")).toEqual(await partitions(rowmill));
  expect(await prepareRowDays(rowmill.ctx)).toBe(0);
  expect(await prepareRowDays(later(rowmill.ctx, DAY_MS))).toBe(2);
});

test("several programs that prepare the same days at once create each partition once", async () => {
  await using rowmill = await startRowmill();
  const inAYear = later(rowmill.ctx, 365 * DAY_MS);
  const created = await Promise.all([1, 2, 3, 4].map(() => prepareRowDays(inAYear)));
  expect(Math.max(...created)).toBeGreaterThan(0);
  // On Citus, a program may take longer to create a partition than the others wait. They leave out a day then.
  await prepareRowDays(inAYear);
  expect(await partitions(rowmill)).toHaveLength(16 + 1);
  expect(await partitions(rowmill, "batch_rows")).toHaveLength(16 + 1);
});

test("an upload of a day without a partition prepares it, once per process and day", async () => {
  await using rowmill = await startRowmill();
  await dropPartitions(rowmill);
  const user = await rowmill.newUser();
  const batch = await importFile(rowmill, user, csv(20));
  expect(await stored(rowmill, batch)).toEqual({
    [`batch_rows_${dayOf(batch)}`]: 20,
    [`row_results_${dayOf(batch)}`]: 20,
  });
  const statements = vi.spyOn(rowmill.ctx.pool, "query");
  await prepareToday(rowmill.ctx);
  expect(statements).not.toHaveBeenCalled();
  statements.mockRestore();
});

test("rows without a partition are in the default one: the upload succeeds, and the batch is processed, read and removed", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  await prepareToday(rowmill.ctx);
  await dropPartitions(rowmill);
  const batch = await importFile(rowmill, user, csv(20, 5));
  expect(await stored(rowmill, batch)).toEqual({ batch_rows_default: 25, row_results_default: 25 });
  // Its day stays in the default partition, and the days after it get their own.
  expect(await prepareRowDays(rowmill.ctx)).toBe(2 * 7);
  const { body } = await user.get<{ items: object[] }>(`/api/v1/batches/${batch}/rows?status=failed`);
  expect(body.items).toHaveLength(5);
  expect(await removeOldBatches(later(rowmill.ctx, KEPT_MS + HOUR_MS))).toBe(1);
  expect(await stored(rowmill, batch)).toEqual({});
});

test("an upload and the cleanup go on if no partition can be created, because the disk is full", async () => {
  await using rowmill = await startRowmill();
  const user = await rowmill.newUser();
  const { pool } = rowmill.ctx;
  const expired = await importFile(rowmill, user, csv(10));
  await pool.query(`CREATE OR REPLACE FUNCTION rowmill.create_day_partition(parent text, day date) RETURNS boolean
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$`);
  const then = later(rowmill.ctx, KEPT_MS + 2 * DAY_MS);
  await expect(prepareRowDays(then)).rejects.toThrow();
  expect(await removeOldBatches(then)).toBe(1);
  expect(await stored(rowmill, expired)).toEqual({});
  await removeOldEntries(then, new AbortController().signal);
  // Another process has prepared no day yet.
  await using other = await startSecondApi(rowmill);
  const { status, body } = await other.client
    .as({ access: user.token, refresh: "", user: { id: user.userId } })
    .upload(csv(20));
  expect(status).toBe(202);
  expect(Object.values(await stored(rowmill, body.id))).toEqual([20]);
});

describe("default partitions that somebody has detached or dropped", () => {
  const problems = async ({ ctx }: Rowmill) =>
    (await checkTables(ctx.pool)).filter(({ level }) => level === "problem").map(({ text }) => text);

  /** Waits for statements that use the tables, as the operator would. */
  const run = ({ ctx }: Rowmill, statements: string) =>
    ctx.pool.query(`SET LOCAL lock_timeout = '10s'; ${statements}`);

  testOnOneServer(
    "doctor shows them, uploads of a day without a partition fail, and the cleanup attaches them again with their rows",
    async () => {
      await using rowmill = await startRowmill();
      const user = await rowmill.newUser();
      await prepareToday(rowmill.ctx);
      await dropPartitions(rowmill);
      const batch = await importFile(rowmill, user, csv(20));
      expect(await problems(rowmill)).toEqual([]);
      await run(
        rowmill,
        `ALTER TABLE rowmill.batch_rows DETACH PARTITION rowmill.batch_rows_default;
        ALTER TABLE rowmill.row_results DETACH PARTITION rowmill.row_results_default;
        DROP TABLE rowmill.request_log_default`,
      );
      const shown = await problems(rowmill);
      expect(shown).toEqual([
        expect.stringContaining("rowmill.batch_rows has no default partition"),
        expect.stringContaining("rowmill.row_results has no default partition"),
        expect.stringContaining("rowmill.request_log has no default partition"),
      ]);
      expect((await user.upload(csv(20))).status).toBe(500);
      await removeOldBatches(rowmill.ctx);
      await removeOldEntries(rowmill.ctx, new AbortController().signal);
      expect(await problems(rowmill)).toEqual([]);
      expect(await stored(rowmill, batch)).toEqual({ batch_rows_default: 20, row_results_default: 20 });
      expect((await user.upload(csv(21))).status).toBe(202);
    },
  );

  testOnOneServer(
    "the statements of doctor attach them, and days get their partitions also as long as they are missing",
    async () => {
      await using rowmill = await startRowmill();
      const user = await rowmill.newUser();
      await prepareToday(rowmill.ctx);
      const batch = await importFile(rowmill, user, csv(20));
      await run(
        rowmill,
        `ALTER TABLE rowmill.batch_rows DETACH PARTITION rowmill.batch_rows_default;
        INSERT INTO rowmill.batch_rows_default SELECT * FROM rowmill.batch_rows LIMIT 1`,
      );
      // The row belongs to another partition, so the table cannot be the default partition.
      expect(await prepareRowDays(later(rowmill.ctx, DAY_MS))).toBe(2);
      const [problem = ""] = await problems(rowmill);
      expect(problem).toContain("rowmill.batch_rows has no default partition");
      await run(rowmill, "DELETE FROM rowmill.batch_rows_default");
      await run(rowmill, problem.slice(problem.indexOf("CREATE TABLE")));
      expect(await problems(rowmill)).toEqual([]);
      expect(Object.values(await stored(rowmill, batch))).toEqual([20, 20]);
    },
  );
});

// On Citus, the coordinator does not know the sizes of shards.
testOnOneServer(
  "a large default partition gets no neighbours, because PostgreSQL would read it under a lock",
  async () => {
    await using rowmill = await startRowmill();
    await dropPartitions(rowmill);
    const { pool } = rowmill.ctx;
    const wide =
      "INSERT INTO rowmill.batch_rows SELECT $1, n, to_json(repeat('x', 7000)) FROM generate_series(1, 10000) AS n";
    // An autovacuum would hold a lock of the table for longer than the function waits.
    await pool.query(
      "ALTER TABLE rowmill.batch_rows_default ALTER fields SET STORAGE PLAIN, SET (autovacuum_enabled = false)",
    );
    await pool.query(wide, ["01900000-0000-7000-8000-000000000000"]);
    expect(await prepareRowDays(rowmill.ctx)).toBe(8);
    expect(await partitions(rowmill, "batch_rows")).toEqual(["default"]);
    await pool.query("DELETE FROM rowmill.batch_rows");
    // A statement that another connection runs at that moment keeps the deleted rows.
    await until("the table is empty", async () => {
      await pool.query("VACUUM rowmill.batch_rows_default");
      return (await count(pool, "SELECT pg_relation_size('rowmill.batch_rows_default') AS count")) === 0;
    });
    expect(await prepareRowDays(rowmill.ctx)).toBe(8);
  },
);

describe("the clean-up", () => {
  test("drops the partitions of a day whose batches have all expired, with all that the batches have, and those of past days without batches", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const [batch, other] = [
      await importFile(rowmill, user, csv(60, 5)),
      await importFile(rowmill, user, csv(40)),
    ];
    const { pool } = rowmill.ctx;
    const books = await count(pool, "SELECT count(*) FROM rowmill.books");
    // Rows that are deleted one by one would be counted here.
    for (const table of ["batch_rows", "row_results"]) {
      const event = `BEFORE DELETE ON rowmill.${table} FOR EACH ROW`;
      await addTrigger(pool, "refuse", event, "RAISE EXCEPTION 'deleted';");
    }
    const then = later(rowmill.ctx, KEPT_MS + 2 * DAY_MS);
    expect(await removeOldBatches(then)).toBe(2);
    for (const table of ["batches", "chunks", "batch_rows", "row_results"])
      expect(await count(pool, `SELECT count(*) FROM rowmill.${table}`)).toBe(0);
    for (const id of [batch, other]) expect((await user.batch(id)).status).toBe(404);
    expect(await count(pool, "SELECT count(*) FROM rowmill.books")).toBe(books);
    // The eight days from then on are left.
    expect(await partitions(rowmill)).toHaveLength(8 + 1);
    expect(await partitions(rowmill, "batch_rows")).toEqual(await partitions(rowmill));
  });

  test("the batches of a dropped day show signs of life until they are removed", async () => {
    await using rowmill = await startRowmill();
    const { pool } = rowmill.ctx;
    const user = await rowmill.newUser();
    for (const rows of [20, 30]) await importFile(rowmill, user, csv(rows));
    await using reader = await openReader(rowmill);
    await reader.query("BEGIN; SELECT FROM rowmill.chunks FOR UPDATE");
    vi.useFakeTimers({ toFake: ["setInterval"] });
    const removing = removeOldBatches(later(rowmill.ctx, KEPT_MS + 2 * DAY_MS));
    const shown =
      "SELECT count(*) FROM rowmill.batches WHERE state = 'deleting' AND received_at > '2000-01-01'";
    await expect.poll(() => count(pool, shown)).toBe(2);
    await pool.query("UPDATE rowmill.batches SET received_at = '2000-01-01'");
    vi.advanceTimersByTime(20_000);
    await expect.poll(() => count(pool, shown)).toBe(2);
    vi.useRealTimers();
    await reader.query("COMMIT");
    expect(await removing).toBe(2);
  });

  test("100,000 batches of a dropped day show signs of life", async () => {
    await using rowmill = await startRowmill();
    const { pool } = rowmill.ctx;
    const batch = await importFile(rowmill, await rowmill.newUser(), csv(1));
    await pool.query("UPDATE rowmill.batches SET received_at = '2000-01-01'");
    vi.useFakeTimers({ toFake: ["setInterval"] });
    using _signs = signsOfLife(rowmill.ctx, [...Array.from({ length: 99_999 }, () => randomUUID()), batch]);
    vi.advanceTimersByTime(20_000);
    vi.useRealTimers();
    const shown = "SELECT count(*) FROM rowmill.batches WHERE received_at > '2000-01-01'";
    await expect.poll(() => count(pool, shown)).toBe(1);
  });

  test("the clean-up keeps the day of a younger or running batch, and deletes the other rows of the day one day later", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const [old, young] = [await importFile(rowmill, user, csv(60)), await importFile(rowmill, user, csv(40))];
    const running = await receive(user, csv(30));
    await finishLater(rowmill, young, 2 * DAY_MS);
    const day = dayOf(old);
    // Expired an hour ago: it waits for the others.
    expect(await removeOldBatches(later(rowmill.ctx, KEPT_MS + HOUR_MS))).toBe(0);
    expect(Object.keys(await stored(rowmill, old))).toHaveLength(2);
    expect(await removeOldBatches(later(rowmill.ctx, KEPT_MS + DAY_MS + HOUR_MS))).toBe(1);
    expect(await stored(rowmill, old)).toEqual({});
    expect(await stored(rowmill, young)).toEqual({ [`batch_rows_${day}`]: 40, [`row_results_${day}`]: 40 });
    expect(await removeOldBatches(later(rowmill.ctx, 10 * KEPT_MS))).toBe(1);
    expect(await stored(rowmill, running)).toEqual({ [`batch_rows_${day}`]: 30 });
    expect(await partitions(rowmill)).toContain(day);
  });

  test("the clean-up keeps a batch that its owner retries at the same moment", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const batch = await importFile(rowmill, user, csv(20, 5));
    const owner = await rowmill.ctx.pool.connect();
    await owner.query("BEGIN");
    await owner.query("SELECT FROM rowmill.batches WHERE id = $1 FOR UPDATE", [batch]);
    const removing = removeOldBatches(later(rowmill.ctx, KEPT_MS + HOUR_MS));
    await owner.query("UPDATE rowmill.batches SET state = 'queued', finished_at = NULL WHERE id = $1", [
      batch,
    ]);
    await owner.query("COMMIT");
    owner.release();
    expect(await removing).toBe(0);
    expect(await partitions(rowmill)).toContain(dayOf(batch));
    expect((await user.batch(batch)).body.state).toBe("queued");
  });

  test("leaves a day that a backup or a long transaction reads, makes nobody wait for long, and drops it the next time", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const batch = await importFile(rowmill, user, csv(20));
    const then = later(rowmill.ctx, KEPT_MS + HOUR_MS);
    await prepareRowDays(then);
    await using reader = await openReader(rowmill);
    await reader.query("BEGIN; SELECT FROM rowmill.row_results LIMIT 1");
    using watch = new Stopwatch();
    const removing = removeOldBatches(then);
    await Promise.all(Array.from({ length: 10 }, (_, index) => receive(user, csv(10 + index))));
    expect(await removing).toBe(0);
    expect(watch.ms).toBeLessThan(10_000);
    expect((await user.batch(batch)).body).toMatchObject({ state: "completed" });
    expect(Object.keys(await stored(rowmill, batch))).toHaveLength(2);
    await reader.query("COMMIT");
    await rowmill.ctx.pool.query("DELETE FROM rowmill.batches WHERE id <> $1", [batch]);
    expect(await removeOldBatches(then)).toBe(1);
    expect(await partitions(rowmill)).not.toContain(dayOf(batch));
  });

  test("drops the day of a batch while its results are exported: the export ends with an error, and nobody waits", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const batch = await importFile(rowmill, user, csv(20_000), "append");
    const found = await getBatch(rowmill.ctx, user.userId, batch);
    const text = await exportResults(rowmill.ctx, found, { file: "all", format: "csv", withBom: false });
    for (let piece = 0; piece < 3; piece++) await text.next();
    const { result, ms } = await timed(() => removeOldBatches(later(rowmill.ctx, KEPT_MS + HOUR_MS)));
    expect(result).toBe(1);
    expect(ms).toBeLessThan(10_000);
    await expect(
      (async () => {
        for await (const _ of text);
      })(),
    ).rejects.toThrow();
  });

  // Citus refuses to change the id of a batch, because it decides on which node the rows are.
  testOnOneServer(
    "the clean-up keeps the earlier results of an unfinished batch, if only the results have one partition for all days before",
    async () => {
      await using rowmill = await startRowmill();
      const user = await rowmill.newUser();
      await dropPartitions(rowmill);
      const { pool } = rowmill.ctx;
      // The tables were migrated on different days: rows have today's partition, and the results of today are in a larger one.
      const tomorrow = new Date((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS);
      const first = `row_results_before_${tomorrow.toISOString().slice(0, 10).replaceAll("-", "")}`;
      await pool.query(
        `CREATE TABLE rowmill.${first} PARTITION OF rowmill.row_results FOR VALUES FROM (MINVALUE) TO ('${firstIdOf(tomorrow)}')`,
      );
      const [expired, unfinished] = [
        await importFile(rowmill, user, csv(60)),
        await importFile(rowmill, user, csv(40, 5)),
      ];
      const id = newBatchId(new Date(Date.now() - 2 * DAY_MS));
      for (const table of ["batch_rows", "row_results", "chunks"])
        await pool.query(`UPDATE rowmill.${table} SET batch_id = $2 WHERE batch_id = $1`, [unfinished, id]);
      await pool.query(
        "UPDATE rowmill.batches SET id = $2, state = 'paused', finished_at = NULL WHERE id = $1",
        [unfinished, id],
      );
      expect(await removeOldBatches(later(rowmill.ctx, KEPT_MS + 2 * DAY_MS))).toBe(1);
      expect(await stored(rowmill, expired)).toEqual({});
      expect(await stored(rowmill, id)).toEqual({ batch_rows_default: 45, [first]: 45 });
    },
  );

  test("deletes the rows of a day that its role may not drop on nodes of Citus", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const batch = await importFile(rowmill, user, csv(20));
    await rowmill.ctx.pool.query(
      `CREATE OR REPLACE FUNCTION rowmill.drop_day_partition(parent text, day date) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        RAISE 'cannot perform query on placements that were modified in this transaction by a different user' USING ERRCODE = 'XX000';
      END $$`,
    );
    expect(await removeOldBatches(later(rowmill.ctx, KEPT_MS + DAY_MS + HOUR_MS))).toBe(1);
    expect(await stored(rowmill, batch)).toEqual({});
    expect((await user.batch(batch)).status).toBe(404);
  });

  test("drops the days before the boundary once their batches have expired", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    await dropPartitions(rowmill);
    const { pool } = rowmill.ctx;
    for (const table of ["batch_rows", "row_results"])
      await pool.query(
        `CREATE TABLE rowmill.${table}_before_20770101 PARTITION OF rowmill.${table}
        FOR VALUES FROM (MINVALUE) TO ('${firstIdOf(new Date("2077-01-01"))}')`,
      );
    const batch = await importFile(rowmill, user, csv(20));
    expect(await stored(rowmill, batch)).toMatchObject({ batch_rows_before_20770101: 20 });
    // It does not wait for the year 2077.
    expect(await removeOldBatches(later(rowmill.ctx, KEPT_MS + HOUR_MS))).toBe(1);
    expect(await partitions(rowmill)).toEqual(["before_20770101", "default"]);
    const in2077 = Date.parse("2077-01-03") - Date.now();
    expect(await removeOldBatches(later(rowmill.ctx, in2077))).toBe(0);
    expect(await partitions(rowmill)).not.toContain("before_20770101");
  });
});

test("a role that may call the functions prepares and drops days, and one that may not leaves them", async () => {
  await using rowmill = await startRowmill();
  await using reader = await asRole(rowmill, readsAndWrites);
  await using caller = await asRole(rowmill, readsWritesAndCalls);
  const inAYear = 365 * DAY_MS;
  expect(await prepareRowDays(later(reader, inAYear))).toBe(0);
  expect(await removeOldBatches(later(reader, inAYear))).toBe(0);
  expect(await partitions(rowmill)).toHaveLength(8 + 1);
  expect(await prepareRowDays(later(caller, inAYear))).toBe(16);
  expect(await removeOldBatches(later(caller, inAYear))).toBe(0);
  // On nodes of Citus, only the owner of the tables drops days.
  if (nodesOf(rowmill.config.databaseUrl).length === 0) expect(await partitions(rowmill)).toHaveLength(8 + 1);
});
