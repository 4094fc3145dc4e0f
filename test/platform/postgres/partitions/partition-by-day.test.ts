/** Tables of version 0.9.0, with rows, become partitioned while programs use them. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { newBatchId } from "../../../../src/batches/ids.ts";
import { prepareToday } from "../../../../src/batches/upkeep/prepare-today.ts";
import { checkTables } from "../../../../src/cli/doctor-tables.ts";
import { knownMigrations } from "../../../../src/migrate.ts";
import { createLog } from "../../../../src/platform/log.ts";
import { openPool } from "../../../../src/platform/postgres/database.ts";
import { createPartitionFunctions } from "../../../../src/platform/postgres/partitions/day-partitions.ts";
import { firstIdOf } from "../../../../src/platform/postgres/partitions/exchange-tables.ts";
import { partitionByDay } from "../../../../src/platform/postgres/partitions/partition-by-day.ts";
import { csv } from "../../../support/book-files.ts";
import type { Client } from "../../../support/client.ts";
import { contentsOf, emptyDatabase, migrate, onDatabase } from "../../../support/databases.ts";
import { prepareRowDays } from "../../../support/day-partitions.ts";
import { expectExactlyOnce } from "../../../support/exactly-once.ts";
import { onServer } from "../../../support/postgres.ts";
import { asRole, readsWritesAndCalls } from "../../../support/roles.ts";
import { startRowmill } from "../../../support/rowmill.ts";
import { timed } from "../../../support/stopwatch.ts";
import { until } from "../../../support/until.ts";

const DAY_MS = 86_400_000;
const ROWS = 20_000;
const TABLE = { name: "batch_rows", key: "batch_id" };

const dayIn = (days: number) =>
  new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "");
const idIn = (days: number) => newBatchId(new Date(Date.now() + days * DAY_MS));

/** A database with all migrations, but with the tables of 0.9.0, and with rows of yesterday and today. */
async function plainDatabase({ rows = ROWS } = {}): Promise<string> {
  const url = await emptyDatabase();
  await migrate(url, knownMigrations().length);
  await onDatabase(url, (client) => fill(client, rows));
  return url;
}

async function fill(client: pg.Client, rows: number): Promise<void> {
  await client.query(
    `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields)
    SELECT id, n, '["a"]' FROM unnest($1::uuid[]) AS id, generate_series(2, $2::int + 1) AS n`,
    [[idIn(-1), idIn(0)], rows / 2],
  );
  await client.query(
    `INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect, error_code)
    SELECT batch_id, row_number, CASE WHEN row_number % 9 = 0 THEN 'failed' ELSE 'success' END::rowmill.row_status, 1,
      CASE WHEN row_number % 9 > 0 THEN 'created' END::rowmill.row_effect, CASE WHEN row_number % 9 = 0 THEN 'required' END
    FROM rowmill.batch_rows`,
  );
}

const contents = (url: string) =>
  contentsOf(url, "rowmill", {
    batch_rows: ["batch_id", "row_number", "fields", "problem"],
    row_results: ["batch_id", "row_number", "status", "effect", "error_code", "completed_at"],
  });

/** The partitions of a table with their bounds; empty: it has none. */
async function partitions(url: string, table = "batch_rows"): Promise<string[]> {
  const { rows } = await onDatabase(url, (client) =>
    client.query<{ name: string }>(
      "SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass($1) ORDER BY 1",
      [`rowmill.${table}`],
    ),
  );
  return rows.map(({ name }) => name);
}

const checks = (url: string) =>
  onDatabase(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT conname AS name FROM pg_constraint WHERE contype = 'c' AND conname ~ '_before_[0-9]{8}$'",
    );
    return rows.map(({ name }) => name);
  });

/** The warnings of `npm run cli -- doctor`. */
async function warningsOf(url: string): Promise<string[]> {
  const pool = openPool(url, 2, silent);
  onTestFinished(() => pool.end());
  return (await checkTables(pool)).filter(({ level }) => level === "warning").map(({ text }) => text);
}

/** A connection that lives as long as the test. */
async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const silent = createLog({ logLevel: "silent" }, "test");
const options = { now: new Date(), log: silent, migrationLock: 0x726f776d };

test("a table with rows becomes the partition of all days before a boundary: no row is read twice, no index is built", async () => {
  const url = await plainDatabase();
  const role = `rowmill_reader_${randomBytes(4).toString("hex")}`;
  await onServer(inject("serverUrl"), `CREATE ROLE ${role}`);
  const before = await contents(url);
  const client = await connect(url);
  await client.query(
    `GRANT SELECT, INSERT ON rowmill.row_results TO ${role}; GRANT UPDATE (undo) ON rowmill.row_results TO ${role} WITH GRANT OPTION`,
  );
  const indexes = async (names: string[]) => {
    const { rows } = await client.query<{ file: string }>(
      "SELECT relfilenode AS file FROM pg_class WHERE relname = ANY($1) ORDER BY 1",
      [names],
    );
    return rows.map(({ file }) => file);
  };
  const names = ["batch_id_row_number_pk", "failed", "kept"];
  const files = await indexes(names.map((name) => `row_results_${name}`));
  await client.query("SELECT pg_stat_reset()");

  await migrate(url);

  expect(await contents(url)).toEqual(before);
  const first = `row_results_before_${dayIn(8)}`;
  expect(await partitions(url, "row_results")).toEqual([first, "row_results_default"]);
  expect(await partitions(url)).toEqual([`batch_rows_before_${dayIn(8)}`, "batch_rows_default"]);
  expect(await indexes(names.map((name) => `${first}_${name}`))).toEqual(files);
  expect(await checks(url)).toEqual([]);
  const { rows: read } = await client.query(
    "SELECT seq_tup_read::int AS rows FROM pg_stat_user_tables WHERE relname = $1",
    [first],
  );
  // Once for the CHECK, once by this test, and the first row to see whether there are any.
  expect(read[0]?.rows).toBeLessThanOrEqual(2 * ROWS + 10);
  const { rows: granted } = await client.query(
    `SELECT has_table_privilege($1, 'rowmill.row_results', 'INSERT') AS inserts, has_table_privilege($1, 'rowmill.row_results', 'DELETE') AS deletes,
      has_column_privilege($1, 'rowmill.row_results', 'undo', 'UPDATE WITH GRANT OPTION') AS updates`,
    [role],
  );
  expect(granted).toEqual([{ inserts: true, deletes: false, updates: true }]);
  await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  // A duplicate is refused, the partition of the next days is found, and days without one go to the default partition.
  const insert =
    "INSERT INTO rowmill.batch_rows VALUES ($1, 2, '[]') RETURNING tableoid::regclass::text AS table";
  const [id] = (await client.query("SELECT batch_id AS id FROM rowmill.batch_rows LIMIT 1")).rows;
  await expect(client.query(insert, [id.id])).rejects.toThrow("duplicate key");
  await client.query(
    "SELECT rowmill.create_day_partition('batch_rows', (now() AT TIME ZONE 'UTC')::date + 8)",
  );
  for (const [days, table] of [
    [7, `batch_rows_before_${dayIn(8)}`],
    [8, `batch_rows_${dayIn(8)}`],
    [9, "batch_rows_default"],
  ] as const)
    expect((await client.query(insert, [idIn(days)])).rows).toEqual([{ table: `rowmill.${table}` }]);

  const state = await partitions(url);
  await migrate(url);
  expect(await partitions(url)).toEqual(state);
});

test("a migration that was killed after the CHECK is completed by the next one, with the same boundary", async () => {
  const url = await plainDatabase({ rows: 100 });
  const client = await connect(url);
  const boundary = dayIn(5);
  const bound = firstIdOf(new Date(Math.floor(Date.now() / DAY_MS + 5) * DAY_MS));
  await client.query(
    `ALTER TABLE rowmill.batch_rows ADD CONSTRAINT batch_rows_before_${boundary} CHECK (batch_id < '${bound}') NOT VALID`,
  );
  await migrate(url);
  // The other days of the week get partitions of their own.
  expect(await partitions(url)).toEqual([
    ...[5, 6, 7].map((day) => `batch_rows_${dayIn(day)}`),
    `batch_rows_before_${boundary}`,
    "batch_rows_default",
  ]);
  expect(await checks(url)).toEqual([]);
});

/** As a migration leaves it that was killed before the exchange. */
async function leaveProof(client: pg.Client, table: string, days: number): Promise<string> {
  const bound = firstIdOf(new Date(Math.floor(Date.now() / DAY_MS + days) * DAY_MS));
  const name = `${table}_before_${dayIn(days)}`;
  await client.query(
    `ALTER TABLE rowmill.${table} ADD CONSTRAINT ${name} CHECK (batch_id < '${bound}') NOT VALID`,
  );
  return name;
}

test("the CHECK of a migration that was killed and is not repeated never refuses an upload", async () => {
  const url = await plainDatabase({ rows: 100 });
  await onDatabase(url, createPartitionFunctions); // A migration does so before it reads the tables.
  await using rowmill = await startRowmill({}, url);
  const client = await connect(url);
  const [near, far] = [await leaveProof(client, "batch_rows", 4), await leaveProof(client, "row_results", 8)];
  // A program of 0.9.0 prepares only the partitions of its request log, once per day.
  const prepareLog = (days: number) =>
    client.query(
      "SELECT rowmill.create_day_partition('request_log', (now() AT TIME ZONE 'UTC')::date + $1::int)",
      [days],
    );
  await prepareLog(7);
  expect(await checks(url)).toEqual([far]);
  expect(near).not.toBe(far);
  // The first upload of a later day removes the other one before it stores a row.
  const in9Days = { ...rowmill.ctx, now: () => new Date(Date.now() + 9 * DAY_MS) };
  await prepareToday(in9Days);
  expect(await checks(url)).toEqual([]);
  await client.query(
    "INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect) VALUES ($1, 2, 'success', 1, 'created')",
    [idIn(9)],
  );
  const user = await rowmill.newUser();
  expect((await user.upload(csv(20))).status).toBe(202);
});

test("a role of the programs that may call the functions removes the CHECK of a migration that was killed, and waits for nobody", async () => {
  const url = await plainDatabase({ rows: 100 });
  await onDatabase(url, createPartitionFunctions);
  // An API that logs requests would remove it as well, just after its start.
  await using rowmill = await startRowmill({ REQUEST_LOG: "off" }, url);
  await using caller = await asRole(rowmill, readsWritesAndCalls);
  const [client, reader] = [await connect(url), await connect(url)];
  const left = await leaveProof(client, "batch_rows", 1);
  await reader.query("BEGIN; SELECT FROM rowmill.batch_rows LIMIT 1");
  const { result, ms } = await timed(() => prepareRowDays(caller));
  expect(result).toBe(0);
  expect(ms).toBeLessThan(10_000);
  expect(await checks(url)).toEqual([left]);
  await reader.query("COMMIT");
  expect(await prepareRowDays(caller)).toBe(0);
  expect(await checks(url)).toEqual([]);
});

test("a CHECK that would soon refuse uploads is replaced", async () => {
  const url = await plainDatabase({ rows: 100 });
  const bound = firstIdOf(new Date(Math.floor(Date.now() / DAY_MS + 1) * DAY_MS));
  await onDatabase(url, (client) =>
    client.query(
      `ALTER TABLE rowmill.batch_rows ADD CONSTRAINT batch_rows_before_${dayIn(1)} CHECK (batch_id < '${bound}')`,
    ),
  );
  await migrate(url);
  expect(await partitions(url)).toEqual([`batch_rows_before_${dayIn(8)}`, "batch_rows_default"]);
});

test("a migration whose connection is lost in the exchange leaves the rows as they were, and can be repeated", async () => {
  const url = await plainDatabase({ rows: 100 });
  const before = await contents(url);
  const [reader, observer] = [await connect(url), await connect(url)];
  await reader.query("BEGIN; SELECT FROM rowmill.batch_rows LIMIT 1");
  const migrated = migrate(url).then(
    () => "migrated",
    () => "failed",
  );
  await until("the migration waits for the reader", async () => {
    const { rowCount } = await observer.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'rowmill-migrate' AND wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  });
  expect(await migrated).toBe("failed");
  await reader.query("COMMIT");
  expect(await partitions(url)).toEqual([]);
  expect(await contents(url)).toEqual(before);
  await migrate(url);
  expect(await contents(url)).toEqual(before);
  expect(await partitions(url)).toHaveLength(2);
});

test("as long as others use the table, it stays as it is, and takes the rows of all days", async () => {
  const url = await plainDatabase({ rows: 100 });
  const [reader, writer, client] = [await connect(url), await connect(url), await connect(url)];
  await reader.query("BEGIN; SELECT FROM rowmill.batch_rows LIMIT 1");
  const done = vi.fn();
  const partitioned = partitionByDay(client, TABLE, { ...options, lockAttempts: 2 }).finally(done);
  let slowestMs = 0;
  while (done.mock.calls.length === 0) {
    const { ms } = await timed(() =>
      writer.query("INSERT INTO rowmill.batch_rows VALUES ($1, 2, '[]')", [newBatchId(new Date())]),
    );
    slowestMs = Math.max(slowestMs, ms);
  }
  expect(await partitioned).toBe(false);
  expect(slowestMs).toBeLessThan(4000);
  await reader.query("COMMIT");
  expect(await partitions(url)).toEqual([]);
  expect(await checks(url)).toEqual([]);
  await writer.query("INSERT INTO rowmill.batch_rows VALUES ($1, 2, '[]')", [idIn(40)]);
  expect(await partitionByDay(client, TABLE, options)).toBe(true);
  // The boundary is behind the last row, whatever its clock said.
  expect(await partitions(url)).toEqual([`batch_rows_before_${dayIn(41)}`, "batch_rows_default"]);
});

test("two migrations at once make one partitioned table, also of one without rows", async () => {
  for (const rows of [0, 100]) {
    const url = await plainDatabase({ rows });
    await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(await partitions(url)).toHaveLength(rows === 0 ? 9 : 2);
    expect(await partitions(url, "row_results")).toHaveLength(rows === 0 ? 9 : 2);
    expect(await checks(url)).toEqual([]);
  }
});

test("a prepared statement and a COPY of a program go on after the exchange", async () => {
  const url = await plainDatabase({ rows: 100 });
  const client = await connect(url);
  const insert = {
    name: "insert",
    text: "INSERT INTO rowmill.batch_rows (batch_id, row_number, fields) VALUES ($1, $2, '[]')",
  };
  const id = idIn(0);
  for (let row = 0; row < 8; row++) await client.query({ ...insert, values: [id, row] });
  await migrate(url);
  await client.query({ ...insert, values: [id, 100] });
  await client.query({ ...insert, values: [idIn(20), 100] });
  const { rows } = await client.query(
    "SELECT count(*)::int AS rows FROM rowmill.batch_rows WHERE batch_id = $1",
    [id],
  );
  expect(rows).toEqual([{ rows: 9 }]);
});

test("a view of an operator on the table is named, and the table stays as it is until the view is gone", async () => {
  const url = await plainDatabase({ rows: 100 });
  const client = await connect(url);
  await client.query("CREATE VIEW public.failures AS SELECT * FROM rowmill.batch_rows");
  const warn = vi.fn();
  const log = { ...silent, warn } as unknown as typeof silent;
  expect(await partitionByDay(client, TABLE, { ...options, log })).toBe(false);
  expect(warn).toHaveBeenCalledWith(
    { table: "batch_rows", obstacles: ["view public.failures"] },
    expect.stringContaining("no partitions"),
  );
  expect(await warningsOf(url)).toContainEqual(
    expect.stringContaining("batch_rows has no partition per day"),
  );
  await client.query("DROP VIEW public.failures");
  expect(await partitionByDay(client, TABLE, { ...options, log })).toBe(true);
});

test("batches that are received and processed while the table is exchanged end with one result per row", async () => {
  const url = await emptyDatabase();
  await migrate(url, knownMigrations().length);
  await using rowmill = await startRowmill({ ROW_DELAY_MS: "2" }, url);
  await rowmill.startWorker();
  // Each has one batch, so all books of a user are of it.
  const users = await Promise.all(Array.from({ length: 7 }, () => rowmill.newUser()));
  const upload = async (user: Client) => (await user.upload(csv(300, 20))).body.id;
  const before = await Promise.all(users.slice(0, 3).map(upload));
  await until("rows have succeeded", async () => {
    const { body } = await (users[0] as Client).batch(before[0] ?? "");
    return body.counts.success > 0;
  });
  const migrated = migrate(url);
  const during = await Promise.all(users.slice(3, 6).map(upload));
  await migrated;
  const after = await upload(users[6] as Client);
  expect(await partitions(url)).toHaveLength(2);
  for (const [at, id] of [...before, ...during, after].entries()) {
    await users[at]?.finished(id);
    await expectExactlyOnce(rowmill.ctx.pool, id, { good: 300, bad: 20 });
  }
});
