/**
 * Tests our part of the distribution with functions that have the names and tables of Citus and record their calls. The tests can
 * also be run on Citus itself: see test/support/README.md.
 */
import { expect, test } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { migrateDatabase } from "../../../src/migrate.ts";
import { createLog } from "../../../src/platform/log.ts";
import { DISTRIBUTED_TABLES } from "../../../src/platform/postgres/distribute-tables.ts";
import { emptyDatabase, onDatabase } from "../../support/databases.ts";
import { createDatabase } from "../../support/rowmill.ts";

/** The tables that stay on the coordinator. A new table belongs here, or into DISTRIBUTED_TABLES. */
const LOCAL_TABLES = [
  "__drizzle_migrations",
  "admin_alerts",
  "api_tokens",
  "audit_log",
  "audit_repeats",
  "backups",
  "endpoint_slots",
  "endpoint_waits",
  "files",
  "http_lanes",
  "http_slots",
  "idempotency_keys",
  "limit_waits",
  "login_counters",
  "mail_holds",
  "mail_pace",
  "mail_suppressions",
  "mails",
  "notification_preferences",
  "notifications",
  "password_resets",
  "paused_queues",
  "queue_statistics",
  "rate_limits",
  "refresh_tokens",
  "remembered_mappings",
  "reports",
  "request_log",
  "request_log_gaps",
  "schedule_ticks",
  "schedules",
  "secrets",
  "sessions",
  "statistics",
  "target_definitions",
  "target_versions",
  "task_events",
  "task_limits",
  "task_progress",
  "task_stacks",
  "tasks",
  "users",
  "webhook_attempts",
  "webhook_deliveries",
  "webhooks",
  "workers",
  "workflow_edges",
  "workflow_steps",
  "workflows",
];

const STAND_IN = `
  CREATE SCHEMA stand_in;
  CREATE TABLE stand_in.pg_dist_node (isactive boolean, shouldhaveshards boolean, noderole text);
  CREATE TABLE stand_in.pg_dist_partition (logicalrelid regclass, partmethod "char");
  CREATE TABLE stand_in.calls (number serial, call text);
  CREATE FUNCTION stand_in.create_distributed_table(name regclass, key text, colocate_with text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO stand_in.calls (call) VALUES (concat_ws(' ', name, key, colocate_with));
    INSERT INTO stand_in.pg_dist_partition VALUES (name, 'h');
  $$;
  CREATE FUNCTION stand_in.truncate_local_data_after_distributing_table(name regclass) RETURNS void LANGUAGE sql AS $$
    INSERT INTO stand_in.calls (call) VALUES (concat_ws(' ', 'truncate', name));
  $$;`;

/** Migrates as if the functions were those of Citus, which are found without a schema. */
function migrateCitus(url: string): Promise<void> {
  const withPath = `${url}?options=-c%20search_path%3Dstand_in`;
  const config = loadConfig({
    DATABASE_URL: withPath,
    DATABASE_BACKEND: "citus",
    JWT_SECRET: "x".repeat(32),
  });
  return migrateDatabase(config, createLog({ logLevel: "silent" }, "test"));
}

const callsOn = (url: string) =>
  onDatabase(url, async (client) => {
    const { rows } = await client.query<{ call: string }>("SELECT call FROM stand_in.calls ORDER BY number");
    return rows.map(({ call }) => call);
  });

const CALLS = [
  "rowmill.batches id none",
  "rowmill.chunks batch_id rowmill.batches",
  "rowmill.chunk_causes batch_id rowmill.batches",
  "rowmill.batch_rows batch_id rowmill.batches",
  "rowmill.row_results batch_id rowmill.batches",
  "rowmill.row_history batch_id rowmill.batches",
  "rowmill.row_values batch_id rowmill.batches",
  "rowmill.row_waits batch_id rowmill.batches",
  "rowmill.books user_id none",
  "rowmill.records user_id rowmill.books",
  "rowmill.file_chunks file_id none",
].flatMap((call) => [call, `truncate ${call.split(" ")[0]}`]);

test("migrate distributes no table while Citus has no node, each table once when it has one, and none again", async () => {
  const url = await emptyDatabase();
  await onDatabase(url, (client) => client.query(STAND_IN));
  await onDatabase(url, (client) =>
    // The coordinator takes no tables unless it is asked to.
    client.query(
      "INSERT INTO stand_in.pg_dist_node VALUES (true, false, 'primary'), (false, true, 'primary'), (true, true, 'secondary')",
    ),
  );
  await migrateCitus(url);
  expect(await callsOn(url)).toEqual([]);
  await onDatabase(url, (client) =>
    client.query("INSERT INTO stand_in.pg_dist_node VALUES (true, true, 'primary')"),
  );
  await Promise.all([migrateCitus(url), migrateCitus(url)]);
  expect(await callsOn(url)).toEqual(CALLS);
  await migrateCitus(url);
  expect(await callsOn(url)).toEqual(CALLS);
});

test("a distribution that is interrupted continues where it ended", async () => {
  const url = await emptyDatabase();
  await onDatabase(url, (client) => client.query(STAND_IN));
  await onDatabase(url, (client) =>
    client.query(`INSERT INTO stand_in.pg_dist_node VALUES (true, true, 'primary');
      ALTER TABLE stand_in.calls ADD CONSTRAINT broken CHECK (call <> 'truncate rowmill.row_results')`),
  );
  await expect(migrateCitus(url)).rejects.toThrow("broken");
  expect(await callsOn(url)).toEqual(
    CALLS.slice(0, CALLS.indexOf("rowmill.row_results batch_id rowmill.batches")),
  );
  await onDatabase(url, (client) => client.query("ALTER TABLE stand_in.calls DROP CONSTRAINT broken"));
  await migrateCitus(url);
  expect(await callsOn(url)).toEqual(CALLS);
});

test("every table is distributed or local by decision", async () => {
  await using database = await createDatabase();
  const { rows } = await onDatabase(database.url, (client) =>
    client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'rowmill'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
    ),
  );
  const decided = [...DISTRIBUTED_TABLES.map(({ name }) => name), ...LOCAL_TABLES];
  expect(rows.map(({ name }) => name)).toEqual(decided.toSorted());
});

test("every unique index of a distributed table has its column, and no foreign key leaves its node", async () => {
  await using database = await createDatabase();
  const { rows } = await onDatabase(database.url, (client) =>
    client.query<{ broken: string }>(
      `WITH distributed AS (SELECT ('rowmill.' || name)::regclass AS id, key FROM unnest($1::text[], $2::text[]) AS t (name, key))
      SELECT indexrelid::regclass::text AS broken FROM distributed JOIN pg_index ON indrelid = id
      JOIN pg_attribute ON attrelid = id AND attname = key
      WHERE indisunique AND NOT attnum = ANY(indkey)
      UNION ALL SELECT conname FROM pg_constraint WHERE contype = 'f'
        AND (conrelid IN (SELECT id FROM distributed) OR confrelid IN (SELECT id FROM distributed))`,
      [DISTRIBUTED_TABLES.map(({ name }) => name), DISTRIBUTED_TABLES.map(({ column }) => column)],
    ),
  );
  expect(rows).toEqual([]);
});
