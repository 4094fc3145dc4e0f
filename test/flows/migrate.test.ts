/** From version 0.3.0, which had its tables in `public`, pg-boss in `pgboss` and its journal in `drizzle`. */
import { expect, test } from "vitest";
import { reconcile } from "../../src/batches/upkeep/reconcile.ts";
import { knownMigrations } from "../../src/migrate.ts";
import { reconcileTasks } from "../../src/tasks/upkeep/reconcile-tasks.ts";
import type { Client } from "../support/client.ts";
import { run, unset } from "../support/commands.ts";
import {
  columnsOf,
  contentsOf,
  definitionsOf,
  emptyDatabase,
  loadOldVersion,
  migrate,
  onDatabase,
  startOtherBoss,
} from "../support/databases.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { createDatabase } from "../support/rowmill.ts";
import { until } from "../support/until.ts";

const SCHEMAS = ["rowmill", "rowmill_queue"];

/** The schemas of a database that have something in them, apart from PostgreSQL's own. */
async function usedSchemas(url: string): Promise<string[]> {
  const { rows } = await onDatabase(url, (client) =>
    client.query<{ name: string }>(
      `SELECT DISTINCT nspname AS name FROM pg_namespace
      JOIN pg_depend ON refclassid = 'pg_namespace'::regclass AND refobjid = pg_namespace.oid
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
    ),
  );
  return rows.map(({ name }) => name);
}

test("an installation of version 0.3.0 keeps every row and gets the tables of a new one", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  const columns = await columnsOf(url, "public");
  // Jobs that have not ended get the retry limit of this version.
  const { job_common: jobs = [], ...others } = await columnsOf(url, "pgboss");
  const queueColumns = { ...others, job_common: jobs.filter((name) => name !== "retry_limit") };
  const [tables, queue] = [await contentsOf(url, "public"), await contentsOf(url, "pgboss", queueColumns)];
  expect(tables.row_results?.length).toBeGreaterThan(0);
  await migrate(url);
  // Later versions have added columns.
  expect(await contentsOf(url, "rowmill", columns)).toEqual(tables);
  const journal = await contentsOf(url, "rowmill", { __drizzle_migrations: ["hash"] });
  expect(journal.__drizzle_migrations).toHaveLength(knownMigrations().length);
  const movedQueue = await contentsOf(url, "rowmill_queue", queueColumns);
  expect(queue.job_common?.length).toBeGreaterThan(0);
  expect(movedQueue.job_common).toEqual(queue.job_common);
  expect(await usedSchemas(url)).toEqual(SCHEMAS);
  await using fresh = await createDatabase();
  expect(await definitionsOf(url, SCHEMAS)).toEqual(await definitionsOf(fresh.url, SCHEMAS));
});

test("books whose letters are decomposed get the key of the composed letters, and the first of two keeps it", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  const decomposed = ["Cafe\u0301", "Cre\u0300me", "Cre\u0300me", "Na\u0131\u0308ve"];
  const composed = decomposed.map((title) => title.normalize("NFC"));
  const titles = [composed[0], ...decomposed, "E\u0301", "E\u0301", composed[1]];
  await onDatabase(url, (client) =>
    client.query(
      `INSERT INTO public.books (user_id, title, author, is_copy)
      SELECT 77, title, CASE WHEN n = 1 THEN 'Zo' || chr(235) ELSE 'Zoe' || chr(776) END || CASE WHEN n = 4 THEN '!' ELSE '' END, n = 6
      FROM unnest($1::text[]) WITH ORDINALITY AS given (title, n)`,
      [titles],
    ),
  );
  await migrate(url);
  const { rows } = await onDatabase(url, (client) =>
    client.query<{ title: string; author: string; is_copy: boolean }>(
      "SELECT title, author, is_copy FROM rowmill.books WHERE user_id = 77 ORDER BY id",
    ),
  );
  expect(rows.map(({ title }) => title)).toEqual(titles.map((title) => title?.normalize("NFC")));
  expect(new Set(rows.map(({ author }) => author))).toEqual(new Set(["Zo\u00EB", "Zo\u00EB!"]));
  expect(rows.map(({ is_copy }) => is_copy)).toEqual([false, true, false, false, false, true, false, true]);
});

test("a new installation creates nothing outside its two schemas", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  expect(await usedSchemas(url)).toEqual(SCHEMAS);
});

/** Checks that all work which version 0.3.0 had started ends, and that each row and task takes effect once. */
async function expectWorkToGoOn(rowmill: Programs): Promise<void> {
  const { pool } = rowmill.ctx;
  const api = await rowmill.startApi();
  const reader = await api.client.logIn("reader", "a long password");
  const { body: list } = await reader.get<{ items: { id: string; state: string; counts: object }[] }>(
    "/api/v1/batches",
  );
  const inState = (state: string) => list.items.find((batch) => batch.state === state)?.id ?? "";
  const [finished, paused, running, queued] = [
    inState("completed_with_errors"),
    inState("paused"),
    inState("processing"),
    inState("queued"),
  ];
  await rowmill.startWorker();
  expect((await reader.post(`/api/v1/batches/${paused}/resume`)).status).toBe(200);
  const ended = await Promise.all([paused, running, queued].map((id) => reader.finished(id, 90_000)));
  expect(ended.map(({ counts }) => [counts.success, counts.failed])).toEqual([
    [72, 3],
    [96, 4],
    [10, 0],
  ]);
  const { rows: once } = await pool.query(
    `SELECT batch_id AS id, count(*)::int AS results, count(DISTINCT record_id)::int AS records FROM rowmill.row_results GROUP BY 1`,
  );
  expect(new Map(once.map(({ id, ...counts }) => [id, counts]))).toEqual(
    new Map([
      [finished, { results: 10, records: 8 }],
      [paused, { results: 75, records: 72 }],
      [running, { results: 100, records: 96 }],
      [queued, { results: 10, records: 10 }],
    ]),
  );
  const { rows: books } = await pool.query("SELECT count(*)::int AS books FROM rowmill.books");
  expect(books).toEqual([{ books: 186 }]);
  await expectTasksToEnd(rowmill, reader);
  const { body: next } = await reader.upload("title,author\nNew,New\n");
  expect((await reader.finished(next.id)).counts.success).toBe(1);
}

async function expectTasksToEnd({ ctx }: Programs, reader: Client): Promise<void> {
  await until(
    "all tasks have completed",
    async () => {
      const { body } = await reader.get<{ items: { status: string }[] }>("/api/v1/tasks");
      return body.items.length === 5 && body.items.every(({ status }) => status === "completed");
    },
    60_000,
  );
  const { rows } = await ctx.pool.query(
    `SELECT count(*)::int AS completed, count(DISTINCT task_id)::int AS tasks FROM rowmill.task_events WHERE type = 'completed'`,
  );
  expect(rows).toEqual([{ completed: 5, tasks: 5 }]);
}

test("batches and tasks that version 0.3.0 started end after the migration, each row and task once", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  await migrate(url);
  await using rowmill = await startPrograms({}, url);
  await expectWorkToGoOn(rowmill);
});

test("a pg-boss and a journal that an application shares with version 0.3.0 stay with the application", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  const boss = await startOtherBoss(url);
  await boss.createQueue("mails");
  await boss.send("mails", {});
  await boss.stop();
  await onDatabase(url, (client) =>
    client.query("INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('theirs', 1)"),
  );
  const queue = await contentsOf(url, "pgboss");
  await migrate(url);
  expect(await contentsOf(url, "pgboss")).toEqual(queue);
  expect(await contentsOf(url, "drizzle")).toMatchObject({ __drizzle_migrations: ["(4,theirs,1)"] });
  await using rowmill = await startPrograms({}, url);
  // Its jobs stayed with the application. Upkeep finds, 30 seconds after they were due, that they are missing.
  await rowmill.ctx.pool.query("UPDATE rowmill.chunks SET due_at = now() - interval '1 minute'");
  await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET due_at = now() - interval '1 minute'");
  expect(await reconcile(rowmill.ctx)).toMatchObject({ chunksGivenUp: 0 });
  expect(await reconcileTasks(rowmill.ctx)).toEqual({ tasksRequeued: 4, tasksGivenUp: 0 });
  await expectWorkToGoOn(rowmill);
});

test("migrations that run concurrently and again leave one installation", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  const columns = await columnsOf(url, "public");
  const tables = await contentsOf(url, "public");
  await Promise.all([migrate(url), migrate(url), migrate(url)]);
  await migrate(url);
  expect(await contentsOf(url, "rowmill", columns)).toEqual(tables);
  const empty = await emptyDatabase();
  await Promise.all([migrate(empty), migrate(empty), migrate(empty)]);
  expect(await definitionsOf(empty, SCHEMAS)).toEqual(await definitionsOf(url, SCHEMAS));
});

/** As people type it. */
function migrateByCommand(url: string) {
  const settings = { ...unset, DATABASE_URL: url, JWT_SECRET: "x".repeat(32) };
  return run("npm", ["run", "cli", "--", "migrate"], settings);
}

test("a migration that waits for a session of the old version says so, and goes on after it", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  await onDatabase(url, async (client) => {
    await client.query("SET application_name = 'rowmill-worker'; BEGIN; SELECT FROM public.batches");
    const migrating = migrateByCommand(url);
    await migrating.saw(/the migration waits for other sessions; stop these programs/);
    expect(migrating.output()).toContain('"program":"rowmill-worker"');
    await client.query("COMMIT");
    expect(await migrating.ended).toMatchObject({
      code: 0,
      output: expect.stringContaining("The database is up to date."),
    });
  });
});

test("a migration that PostgreSQL ends because of a deadlock begins again", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  await onDatabase(url, async (client) => {
    // This session never looks for deadlocks, so the migration is the one that PostgreSQL ends.
    await client.query("BEGIN; SET LOCAL deadlock_timeout = '60s'; SELECT FROM public.users");
    const migrating = migrateByCommand(url);
    await until("the migration waits", async () => {
      const { rowCount } = await onDatabase(url, (observer) =>
        observer.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND application_name = 'rowmill-migrate'`,
        ),
      );
      return rowCount === 1;
    });
    await client.query("SELECT FROM public.batches");
    await migrating.saw(/migrating again/);
    await client.query("COMMIT");
    expect(await migrating.ended).toMatchObject({ code: 0 });
  });
});

test("tables that version 0.3.0 creates again after the migration stay unused and do not stop a migration", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  const installed = await definitionsOf(url, SCHEMAS);
  await loadOldVersion(url);
  const [tables, queue] = [await contentsOf(url, "public"), await contentsOf(url, "pgboss")];
  await migrate(url);
  expect(await definitionsOf(url, SCHEMAS)).toEqual(installed);
  expect([await contentsOf(url, "public"), await contentsOf(url, "pgboss")]).toEqual([tables, queue]);
});

test("an interrupted migration changes nothing, and the next one completes", async () => {
  const url = await emptyDatabase();
  await loadOldVersion(url);
  const before = [
    await contentsOf(url, "public"),
    await contentsOf(url, "pgboss"),
    await contentsOf(url, "drizzle"),
  ];
  await onDatabase(url, async (client) => {
    // Stands in the way of the last step.
    await client.query("CREATE SCHEMA rowmill_queue; CREATE TYPE rowmill_queue.job_state AS ENUM ()");
  });
  await expect(migrate(url)).rejects.toThrow('type "job_state" already exists');
  expect([
    await contentsOf(url, "public"),
    await contentsOf(url, "pgboss"),
    await contentsOf(url, "drizzle"),
  ]).toEqual(before);
  await onDatabase(url, (client) => client.query("DROP TYPE rowmill_queue.job_state"));
  await migrate(url);
  expect(await usedSchemas(url)).toEqual(SCHEMAS);
});
