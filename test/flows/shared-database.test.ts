/** In the database of an application that has tables, a pg-boss and a journal of drizzle of its own; and as roles that may do little. */
import { randomBytes } from "node:crypto";
import { expect, inject, onTestFinished, test } from "vitest";
import { knownMigrations } from "../../src/migrate.ts";
import { csv } from "../support/book-files.ts";
import {
  columnsOf,
  contentsOf,
  definitionsOf,
  emptyDatabase,
  loadOldVersion,
  migrate,
  onDatabase,
  problemsOf,
  startOtherBoss,
} from "../support/databases.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { onServer } from "../support/postgres.ts";
import { startPrograms } from "../support/processes.ts";
import { makeTask, untilEnded } from "../support/task-client.ts";
import { until } from "../support/until.ts";

const THEIRS = ["public", "drizzle", "pgboss"];

/** An upload and a task, from the request to the result. */
async function useRowmill(url: string): Promise<void> {
  await using rowmill = await startPrograms({}, url);
  const api = await rowmill.startApi();
  await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(60, 2));
  const task = await makeTask(user);
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 60, bad: 2 });
  expect((await untilEnded(user, task.id)).status).toBe("completed");
}

test("an application and Rowmill share a database without changes to the application's tables", async () => {
  const url = await emptyDatabase();
  await onDatabase(url, (client) =>
    client.query(`
      CREATE TYPE public.task_status AS ENUM ('open', 'closed');
      CREATE TABLE public.users (id serial PRIMARY KEY, name text NOT NULL);
      CREATE TABLE public.books (isbn text PRIMARY KEY, owner int REFERENCES public.users);
      CREATE TABLE public.tasks (id serial PRIMARY KEY, status public.task_status NOT NULL);
      CREATE TABLE public.files (path text PRIMARY KEY);
      INSERT INTO public.users (name) VALUES ('Ada');
      INSERT INTO public.books VALUES ('978-3', 1);
      INSERT INTO public.tasks (status) VALUES ('open');
      INSERT INTO public.files VALUES ('/etc/motd');
      CREATE SCHEMA drizzle;
      CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
      INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('theirs', 9999999999999)`),
  );
  const boss = await startOtherBoss(url);
  await boss.createQueue("batch.process-chunk");
  const waiting = await boss.send("batch.process-chunk", { theirs: true });
  const [tables, journal] = [await contentsOf(url, "public"), await contentsOf(url, "drizzle")];
  const definitions = await definitionsOf(url, THEIRS);
  await migrate(url);
  await useRowmill(url);
  expect([await contentsOf(url, "public"), await contentsOf(url, "drizzle")]).toEqual([tables, journal]);
  expect(await definitionsOf(url, THEIRS)).toEqual(definitions);
  const done: unknown[] = [];
  await boss.work(
    "batch.process-chunk",
    async (jobs) => void done.push(...jobs.map(({ id, data }) => [id, data])),
  );
  await until("the application's job is done", async () => done.length > 0);
  expect(done).toEqual([[waiting, { theirs: true }]]);
});

interface Role {
  readonly name: string;
  /** The database, as this role. */
  readonly url: string;
  /** Runs statements as the owner of the database. */
  grant(statements: string): Promise<void>;
}

/** A role without any privilege but to connect. */
async function newRole(): Promise<Role> {
  const owner = await emptyDatabase();
  const name = `rowmill_role_${randomBytes(4).toString("hex")}`;
  const password = randomBytes(8).toString("hex");
  await onServer(inject("serverUrl"), `CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  const url = Object.assign(new URL(owner), { username: name, password }).href;
  const grant = (statements: string) => onServer(owner, statements);
  onTestFinished(async () => {
    await grant(`DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
  });
  return { name, url, grant };
}

const inDatabase = (url: string) => new URL(url).pathname.slice(1);

test("a role needs CREATE on the database for the migration alone", async () => {
  const { name, url, grant } = await newRole();
  await grant(`GRANT CREATE ON DATABASE ${inDatabase(url)} TO ${name}`);
  await migrate(url);
  await grant(`REVOKE CREATE ON DATABASE ${inDatabase(url)} FROM ${name}`);
  await useRowmill(url);
  await migrate(url);
});

test("a role that owns the two schemas needs nothing else", async () => {
  const { name, url, grant } = await newRole();
  await grant(
    `CREATE SCHEMA rowmill AUTHORIZATION ${name}; CREATE SCHEMA rowmill_queue AUTHORIZATION ${name}`,
  );
  await migrate(url);
  await useRowmill(url);
});

test("a role that owns the two schemas moves its tables of version 0.3.0 there", async () => {
  const { name, url, grant } = await newRole();
  await grant(
    `GRANT CREATE ON DATABASE ${inDatabase(url)} TO ${name}; GRANT CREATE ON SCHEMA public TO ${name}`,
  );
  await loadOldVersion(url);
  await grant(`REVOKE CREATE ON DATABASE ${inDatabase(url)} FROM ${name}; REVOKE CREATE ON SCHEMA public FROM ${name};
    CREATE SCHEMA rowmill AUTHORIZATION ${name}; CREATE SCHEMA rowmill_queue AUTHORIZATION ${name}`);
  const [columns, tables] = [await columnsOf(url, "public"), await contentsOf(url, "public")];
  await migrate(url);
  expect(await contentsOf(url, "rowmill", columns)).toEqual(tables);
});

test.for(["read", "not see"])(
  "a role that may %s version 0.3.0 starts no second, empty installation",
  async (may) => {
    const { name, url, grant } = await newRole();
    const owner = Object.assign(new URL(inject("serverUrl")), { pathname: new URL(url).pathname }).href;
    await loadOldVersion(owner);
    await grant(`GRANT CREATE ON DATABASE ${inDatabase(url)} TO ${name}`);
    if (may === "read") {
      await grant(
        `GRANT USAGE ON SCHEMA drizzle TO ${name}; GRANT SELECT ON ALL TABLES IN SCHEMA drizzle TO ${name}`,
      );
    }
    await expect(migrate(url)).rejects.toThrow("Migrate as the role that owns them.");
    await migrate(owner);
    expect(Object.keys(await contentsOf(owner, "public"))).toEqual([]);
  },
);

test("the migration and doctor name the statements that a role without grants needs", async () => {
  const { name, url, grant } = await newRole();
  const statements = `CREATE SCHEMA rowmill AUTHORIZATION ${name}; CREATE SCHEMA rowmill_queue AUTHORIZATION ${name};`;
  await expect(migrate(url)).rejects.toThrow(`As the owner of the database, run: ${statements}`);
  expect(await problemsOf(url)).toEqual([
    `${knownMigrations().length} migration(s) are missing. Run: npm run cli -- migrate`,
    `The role may not migrate. As the owner of the database, run: ${statements}`,
  ]);
  await grant("CREATE SCHEMA rowmill; CREATE SCHEMA rowmill_queue");
  const usage = ["rowmill", "rowmill_queue"]
    .map((schema) => `GRANT USAGE ON SCHEMA ${schema} TO ${name};`)
    .join(" ");
  expect(await problemsOf(url)).toEqual([
    `The role may not use Rowmill's tables. As the owner of the database, run: ${usage}`,
  ]);
});

test("a role that may only read and write rows can run the programs after another role has migrated", async () => {
  const { name, url, grant } = await newRole();
  await migrate(Object.assign(new URL(inject("serverUrl")), { pathname: new URL(url).pathname }).href);
  const rights = ["SELECT, INSERT, UPDATE, DELETE ON ALL TABLES", "EXECUTE ON ALL FUNCTIONS"];
  for (const missing of [["USAGE ON"], rights.map((right) => `${right} IN`)]) {
    const [text = ""] = await problemsOf(url);
    for (const right of missing) expect(text).toContain(`GRANT ${right} SCHEMA rowmill TO ${name};`);
    await grant(text.slice(text.indexOf("GRANT")));
  }
  await useRowmill(url);
});
