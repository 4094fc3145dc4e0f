/** `npm run seed` as a developer types it: alone, again, beside running programs, and on a database of real users. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { ACCOUNTS, PASSWORD } from "../../src/demo/seed.ts";
import { knownMigrations } from "../../src/migrate.ts";
import { batchState } from "../../src/schema/batches.ts";
import { taskStatus } from "../../src/schema/tasks.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import type { Client } from "../support/client.ts";
import { run, unset } from "../support/commands.ts";
import { contentsOf, emptyDatabase, loadOldVersion } from "../support/databases.ts";
import { type Programs, type ServedApi, startPrograms } from "../support/processes.ts";

let rowmill: Programs;
let api: ServedApi;
beforeAll(async () => {
  rowmill = await startPrograms();
  api = await rowmill.serveApi();
});
afterAll(() => rowmill[Symbol.asyncDispose]());

type Ended = Promise<{ code: number | null; output: string }>;

function seed(...args: string[]): Ended {
  return seedAt(rowmill.databaseUrl, ...args);
}

function seedAt(databaseUrl: string, ...args: string[]): Ended {
  const settings = { ...unset, DATABASE_URL: databaseUrl, JWT_SECRET: "test".repeat(8) };
  return run(process.execPath, ["src/cli.ts", "seed", ...args], settings).ended;
}

interface Session {
  readonly access: string;
  readonly refresh: string;
  readonly user: { readonly id: number; readonly role: string };
}

async function logIn(username: string): Promise<Session> {
  const { body } = await api.client.post<Session>("/api/v1/auth/login", { username, password: PASSWORD });
  return body;
}

async function seeded(): Promise<{ states: string[]; statuses: string[]; client: Client }> {
  const client = api.client.as(await logIn(ACCOUNTS.user));
  const batches = await client.get<{ items: BatchView[] }>("/api/v1/batches?limit=100");
  const tasks = await client.get<{ items: TaskView[] }>("/api/v1/tasks?limit=100");
  const distinct = (values: string[]) => [...new Set(values)].sort();
  return {
    client,
    states: distinct(batches.body.items.map(({ state }) => state)),
    statuses: distinct(tasks.body.items.map(({ status }) => status)),
  };
}

test("seed without a worker creates batches and tasks in every state and an account for each role", async () => {
  const { code, output } = await seed();
  expect(code, output).toBe(0);
  const { states, statuses, client } = await seeded();
  expect(states).toEqual(batchState.enumValues.filter((state) => state !== "deleting").sort());
  expect(statuses).toEqual(taskStatus.enumValues.toSorted());
  for (const [role, username] of Object.entries(ACCOUNTS)) {
    expect(await logIn(username)).toMatchObject({ user: { role } });
  }
  const files = await client.get<{ items: { origin: string }[] }>("/api/v1/files");
  expect(files.body.items.map(({ origin }) => origin).sort()).toEqual(["result", "upload", "upload"]);
  const [, token = ""] = /API token of dev-user: (\S+) \(shown only once\)/.exec(output) ?? [];
  const me = await fetch(`${api.url}/api/v1/auth/me`, { headers: { authorization: `Token ${token}` } });
  expect(await me.json()).toMatchObject({ username: ACCOUNTS.user });
});

test("seed creates nothing the second time", async () => {
  const { code, output } = await seed();
  expect(code, output).toBe(0);
  expect(output).toContain("Batches created: none, all exist already\n");
  expect(output).toContain("Tasks created:   none, all exist already\n");
  expect(output).toContain('API token of dev-user: "development" exists already\n');
});

test("seed refuses a database with other accounts unless --force is given", async () => {
  await api.client.signUp("a-real-user");
  const refused = await seed();
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(/^rowmill: The database has 1 account\(s\) .* npm run seed -- --force\n$/);
  const forced = await seed("--force");
  expect(forced.code, forced.output).toBe(0);
});

test("seed migrates an empty database and refuses to migrate an older version", async () => {
  const old = await emptyDatabase();
  await loadOldVersion(old);
  const before = await contentsOf(old, "public");
  expect(await seedAt(old)).toEqual({
    code: 1,
    output: `rowmill: DATABASE_URL: the database lacks ${knownMigrations().length} migration(s). Run: npm run cli -- migrate\n`,
  });
  expect(await contentsOf(old, "public")).toEqual(before);
  const { code, output } = await seedAt(await emptyDatabase());
  expect(code, output).toBe(0);
  expect(output).not.toContain('"level"');
});

test("seed restores missing states while a worker runs", async () => {
  await rowmill.startWorker();
  const { client } = await seeded();
  const { body } = await client.get<{ items: BatchView[] }>("/api/v1/batches?limit=100");
  const paused = body.items.find(({ state }) => state === "paused");
  await client.post(`/api/v1/batches/${paused?.id}/cancel`);
  expect((await seeded()).states).not.toContain("paused");
  const { code, output } = await seed("--force");
  expect(code, output).toBe(0);
  expect(output).toMatch(/^Batches created: .*\bpaused\b/m);
  expect((await seeded()).states).toContain("paused");
});
