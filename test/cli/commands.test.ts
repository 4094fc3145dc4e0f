import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { findCommand } from "../../src/cli/commands.ts";
import { checkMail } from "../../src/cli/doctor-work.ts";
import { loadConfig } from "../../src/config/config.ts";
import { jobs } from "../../src/jobs.ts";
import { MailServer } from "../support/mail-server.ts";
import { newMail } from "../support/mails.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { printed } from "../support/printed.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
beforeAll(async () => {
  await rowmill.client.signUp("Ada");
});

test.each([
  ["tasks list --status lost", /^Unknown status "lost"\. Use one of: pending,/],
  ["tasks list --limit 0", /^--limit: must be a whole number from 1 to 10000/],
  ["tasks list --user nobody", /^--user: no user is named "nobody"/],
  ["tasks cancel", /^No tasks chosen\./],
  ["tasks delete --yes", /^No tasks chosen\./],
  ["tasks cancel 7", /^"7" is not a task ID/],
  ["tasks retry 01a20159-f320-7af5-a6be-a1fe00000000", /^No such task/],
  ["queues purge", /^The queue is missing\. Use one of: bulk_processing,/],
  ["queues pause none", /^Unknown queue "none"\. Use one of: bulk_processing,/],
  ["tasks run none", /^Unknown task type "none"\. Use one of: .*generic/],
  ["tasks run generic", /^--user: required, because no administrator exists/],
  ["tasks run generic --params [1]", /^--params: must be a JSON object/],
  ["tasks run generic --params {", /^--params: must be a JSON object/],
  ['tasks run generic --user ada --params {"minutes":1}', /^params.minutes: is not a parameter/],
  ["jobs get 7", /^"7" is not a job ID/],
  ["jobs get 01a20159-f320-7af5-a6be-a1fe00000000", /^No such job/],
  ["limits set generic", /^Give --per-second, --concurrent or both/],
  ["limits set generic --per-second x", /^--per-second: must be a number/],
  ["limits set generic --concurrent 1.5", /^--concurrent: must be a whole number/],
  ["workers get", /^The worker ID is missing/],
  ["workers shutdown 7", /^"7" is not a worker ID/],
  ["workers get 01a20159-f320-7af5-a6be-a1fe00000000", /^No such worker/],
  ["create-admin", /^The name is missing\. Usage: npm run cli -- create-admin NAME$/],
])("the command `%s` is refused, and the error names the way out", async (line, message) => {
  const session = { config: rowmill.config, connect: async () => rowmill.ctx };
  await expect(findCommand(line.split(" "))?.(session)).rejects.toThrow(message);
});

async function diagnose(config = rowmill.config) {
  const { is_complete, items } = JSON.parse(await printed({ ...rowmill, config }, "doctor --json")) as {
    is_complete: boolean;
    items: { level: string; text: string }[];
  };
  const exitCode = process.exitCode;
  process.exitCode = undefined;
  const textsOf = (level: string) => items.filter((item) => item.level === level).map(({ text }) => text);
  return { is_complete, exitCode, items, problems: textsOf("problem"), warnings: textsOf("warning") };
}

const NO_WORKER = "No worker is connected. Start one: npm run worker";

testOnOneServer(
  "the doctor prints its findings as JSON, with a warning for waiting work and a problem for a failed backup",
  async () => {
    const { ctx } = rowmill;
    await ctx.pool.query(
      "INSERT INTO rowmill.backups (id, state, error, finished_at) VALUES (gen_random_uuid(), 'failed', 'The disk is full.', now())",
    );
    const id = "01a20159-f320-7af5-a6be-a1fe00000000";
    await ctx.queue.add(ctx.db, jobs.runTask, [{ id, payload: { taskId: id, run: 1 } }]);
    await ctx.pool.query(
      "UPDATE rowmill_queue.job SET created_on = now() - interval '1 hour', start_after = now() - interval '1 hour'",
    );
    const found = await diagnose();
    expect(found).toMatchObject({ is_complete: true, exitCode: 1 });
    expect(found.problems).toEqual([
      NO_WORKER,
      "The latest backup has failed: The disk is full. Repeat it: npm run cli -- backup",
    ]);
    expect(found.warnings).toContainEqual(
      expect.stringMatching(/^Jobs wait in default \(1 waiting, the oldest for 60 minutes\)/),
    );
    expect(found.items).toContainEqual({
      level: "ok",
      text: "Autovacuum is on, and no transaction holds it up.",
    });
  },
);

testOnOneServer("the doctor says what to do about each problem", async () => {
  const { ctx, config } = rowmill;
  // Found before the catalog by connections with this search_path.
  await ctx.pool.query(`
    CREATE SCHEMA ill;
    CREATE VIEW ill.pg_stat_user_tables AS
      SELECT 'rowmill' AS schemaname, 'batch_rows' AS relname, 300000 AS n_dead_tup, 100000 AS n_live_tup;
    CREATE VIEW ill.pg_stat_activity AS
      SELECT current_database() AS datname, 4711 AS pid, pg_catalog.now() - interval '2 hours' AS xact_start;
    CREATE VIEW ill.pg_database AS SELECT current_database() AS datname, '3'::xid AS datfrozenxid;
    CREATE FUNCTION ill.age(xid) RETURNS int LANGUAGE sql AS 'SELECT 1500000000';
    CREATE FUNCTION ill.clock_timestamp() RETURNS timestamptz LANGUAGE sql
      AS $$ SELECT pg_catalog.clock_timestamp() + interval '90 seconds' $$;
    CREATE FUNCTION ill.current_setting(name text) RETURNS text LANGUAGE sql
      AS $$ SELECT CASE name WHEN 'autovacuum' THEN 'off' ELSE pg_catalog.current_setting(name) END $$`);
  await ctx.pool.query(`
    DELETE FROM rowmill.backups;
    INSERT INTO rowmill.backups (id, state, finished_at)
      VALUES (gen_random_uuid(), 'completed', now() - interval '3 days');
    INSERT INTO rowmill.webhooks (id, user_id, url, events, headers, secret, disabled_at, disabled_reason)
      SELECT gen_random_uuid(), id, 'https://example.com', '{}', '{}', '', now(), 'failing' FROM rowmill.users;
    INSERT INTO rowmill.schedules (id, user_id, name, task, cron, timezone, next_tick_at, next_run_at)
      SELECT gen_random_uuid(), id, 'Late', '{}', '@daily', 'UTC', now() - interval '1 hour', now() - interval '1 hour' FROM rowmill.users`);
  const databaseUrl = `${config.databaseUrl}?options=${encodeURIComponent("-c search_path=ill,pg_catalog -c jit=off")}`;
  await using server = await new MailServer("right").start();
  const { mail } = loadConfig({
    ...process.env,
    ...server.settings,
    DATABASE_URL: config.databaseUrl,
    JWT_SECRET: config.jwtSecret,
  });
  const login = { user: "rowmill", password: "wrong" };
  const ill = {
    ...config,
    databaseUrl,
    backupCron: "@daily",
    mail: { ...mail, server: mail.server && { ...mail.server, login } },
  };
  // It has no free room on Linux.
  const { problems, warnings, exitCode } = await diagnose({ ...ill, dataDir: "/proc" });
  expect(exitCode).toBe(1);
  expect(problems).toEqual([
    expect.stringMatching(
      /^This machine's clock differs from the database's by (89|90) s\. Synchronize both\.$/,
    ),
    NO_WORKER,
    "1 schedule(s) are over 5 minutes late. Start a worker that serves the queue default.",
    expect.stringMatching(
      /^The mail server 127\.0\.0\.1:\d+ cannot be used: .*Wrong password.* Check SMTP_URL, or EMAIL_HOST and its password\.$/,
    ),
    "The latest backup is 3 days old. Check that a worker serves the queue default, or run: npm run cli -- backup",
    ...(process.platform === "linux"
      ? ["0.0 GiB are free in /proc. Free some room, or move DATA_DIR to a larger disk."]
      : []),
  ]);
  expect(warnings.slice(0, 4)).toEqual([
    "rowmill.batch_rows has 300000 dead rows beside 100000 others. Run: VACUUM (ANALYZE) rowmill.batch_rows; and check that autovacuum is on.",
    "autovacuum is off. Run: ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();",
    "The oldest row is 1500000000 transactions old. Run: VACUUM (FREEZE);",
    "A transaction has been open for 120 minutes, so no dead row is removed. If it is not a backup, end it: SELECT pg_terminate_backend(4711);",
  ]);
  expect(warnings).toContain(
    "1 webhook(s) are disabled because their endpoints fail. Their owners can enable them: PATCH /api/v1/webhooks/{webhook_id}",
  );
});

test("the doctor does not wait long for a mail server that is silent, refuses connections or is missing", async () => {
  const { ctx, config } = rowmill;
  await using silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const at = (port: number) => {
    const settings = { SMTP_URL: `smtp://127.0.0.1:${port}`, EMAIL_FROM: "a@rowmill.test" };
    const { mail } = loadConfig({
      ...settings,
      DATABASE_URL: config.databaseUrl,
      JWT_SECRET: config.jwtSecret,
    });
    return checkMail({ ...config, mail }, ctx.db, 100);
  };
  expect((await at(port)).text).toMatch(/(Greeting never received|Timeout)\. Check SMTP_URL/);
  expect(await at(1)).toMatchObject({ level: "problem", text: expect.stringContaining("ECONNREFUSED") });
  await newMail(ctx, "ada@rowmill.test");
  expect(await checkMail(config, ctx.db)).toEqual({
    level: "warning",
    text: "No mail server is configured, and 1 mail(s) wait. Set SMTP_URL or EMAIL_HOST.",
  });
});
