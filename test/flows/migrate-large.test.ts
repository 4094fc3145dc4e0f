/** From version 0.9.0, whose tables may be large: nothing reads or rewrites them under a lock that stops programs. */
import type pg from "pg";
import { expect, test } from "vitest";
import { emptyDatabase, migrate, onDatabase } from "../support/databases.ts";
import { until } from "../support/until.ts";

/** The number of migrations of version 0.9.0. */
const RELEASED = 9;

const INSERT = "INSERT INTO rowmill.books (user_id, title, author) VALUES (1, $1, 'Author')";

/** A database of version 0.9.0 with books and statistics. */
async function oldDatabase(): Promise<string> {
  const url = await emptyDatabase();
  await migrate(url, RELEASED);
  await onDatabase(url, async (client) => {
    await client.query(
      `INSERT INTO rowmill.books (user_id, title, author) SELECT 1, 'Title ' || n, 'Author' FROM generate_series(1, 5000) AS n`,
    );
    await client.query("ANALYZE rowmill.books");
    await client.query(
      `WITH owner AS (
        INSERT INTO rowmill.users (username, email, password_hash) VALUES ('owner', 'owner@example.com', 'x') RETURNING id
      )
      INSERT INTO rowmill.tasks (id, user_id, type, queue, params, max_retries, job_id, metadata)
      SELECT gen_random_uuid(), id, 'generic', 'default', '{}', 3, gen_random_uuid(), '{}' FROM owner, generate_series(1, 100)`,
    );
  });
  return url;
}

/** The files of the table and of the index that stays, and the statistics of a column. */
async function storageOf(client: pg.Client) {
  const { rows: files } = await client.query(
    "SELECT pg_relation_filenode('rowmill.books') AS books, pg_relation_filenode('rowmill.books_key') AS key",
  );
  const { rows: statistics } = await client.query(
    "SELECT attname FROM pg_stats WHERE schemaname = 'rowmill' AND tablename = 'books' AND attname IN ('user_id', 'title') ORDER BY 1",
  );
  return { files: files[0], statistics: statistics.map(({ attname }) => attname) };
}

const isBuilding = (client: pg.Client) =>
  client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowmill-migrate'
      AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY books_user_id_id_pk%' AND wait_event_type = 'Lock'`,
  );

test("programs write into a table while the migration builds its index, and its rows are not written again", async () => {
  const url = await oldDatabase();
  await onDatabase(url, async (client) => {
    const before = await storageOf(client);
    expect(before.statistics).toEqual(["title", "user_id"]);
    await onDatabase(url, async (writer) => {
      await writer.query("BEGIN");
      await writer.query(INSERT, ["Before"]);
      const migrated = migrate(url);
      await until("the migration builds the index", async () => (await isBuilding(client)).rowCount === 1);
      await client.query("SET lock_timeout = '2s'");
      await client.query(INSERT, ["Meanwhile"]);
      await writer.query("COMMIT");
      await migrated;
    });
    await client.query("ANALYZE rowmill.books");
    expect(await storageOf(client)).toEqual({ files: before.files, statistics: ["title"] });
    const { rows } = await client.query("SELECT count(*)::int FROM rowmill.books");
    expect(rows).toEqual([{ count: 5002 }]);
  });
});

test("a migration that was killed while it built an index is repeated by the next one, or by two at once", async () => {
  const url = await oldDatabase();
  await onDatabase(url, async (client) => {
    await onDatabase(url, async (writer) => {
      await writer.query("BEGIN");
      await writer.query(INSERT, ["Before"]);
      const killed = migrate(url).then(
        () => "ended",
        () => "killed",
      );
      const pid = await until(
        "the migration builds the index",
        async () => (await isBuilding(client)).rows[0]?.pid ?? null,
      );
      await client.query("SELECT pg_terminate_backend($1)", [pid]);
      expect(await killed).toBe("killed");
      await writer.query("COMMIT");
    });
    const validity =
      "SELECT indisvalid FROM pg_index WHERE indexrelid = 'rowmill.books_user_id_id_pk'::regclass";
    expect((await client.query(validity)).rows).toEqual([{ indisvalid: false }]);
    await Promise.all([migrate(url), migrate(url)]);
    expect((await client.query(validity)).rows).toEqual([{ indisvalid: true }]);
  });
});

/** The key of the lock of the migration's transaction. */
const MIGRATION_LOCK = 0x726f776d;

test("the indexes of tables of version 0.9.0 are built outside of the transaction of the migration", async () => {
  const url = await oldDatabase();
  await onDatabase(url, async (client) => {
    const { rows: tables } = await client.query<{ id: number }>(
      "SELECT oid::int AS id FROM pg_class WHERE relnamespace = 'rowmill'::regnamespace AND relkind = 'r'",
    );
    // Not those of tables that the migration replaces by partitioned ones.
    const indexes = async () => {
      const { rows } = await client.query<{ name: string; isValid: boolean }>(
        `SELECT relname || ' ' || relfilenode AS name, indisvalid AS "isValid"
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = ANY($1) AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indrelid) ORDER BY 1`,
        [tables.map(({ id }) => id)],
      );
      return rows;
    };
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    const migrated = migrate(url);
    await until("the transaction waits", async () => {
      const { rowCount } = await client.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowmill-migrate'
          AND wait_event = 'advisory'`,
      );
      return rowCount === 1;
    });
    const built = await indexes();
    expect(built.filter(({ isValid }) => !isValid)).toEqual([]);
    const methods = await client.query<{ method: string }>(
      `SELECT DISTINCT amname AS method FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
        WHERE indrelid = 'rowmill.tasks'::regclass ORDER BY 1`,
    );
    expect(methods.rows.map(({ method }) => method)).toEqual(["brin", "btree", "gin"]);
    // Without statistics of `user_id + 0`, PostgreSQL sorts all tasks of an owner for a page.
    const statistics = await client.query("SELECT FROM pg_stats WHERE tablename = 'tasks_owner_type'");
    expect(statistics.rowCount).toBeGreaterThan(0);
    await client.query("SELECT pg_advisory_unlock($1)", [MIGRATION_LOCK]);
    await migrated;
    const names = new Set(built.map(({ name }) => name));
    // Its condition has a column that the transaction adds. It is built afterwards, while programs go on.
    const later = (await indexes()).filter(({ name }) => !names.has(name));
    expect(later).toEqual([{ name: expect.stringMatching(/^tasks_later_job /), isValid: true }]);
  });
});
