/** One PostgreSQL for a test run, with a migrated template that each test file copies. Ended with the run. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { loadConfig } from "../../src/config/config.ts";
import { migrateDatabase } from "../../src/migrate.ts";
import { createLog } from "../../src/platform/log.ts";
import { startPostgres } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { problemsOf, readStatements, readVolatility } from "./check-statements.ts";
import { createDataFolder } from "./data-folder.ts";
import { FOLDER } from "./sent-statements.ts";
import { until } from "./until.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The server's `postgres` database. */
    serverUrl: string;
  }
}

export const TEMPLATE = "rowmill_template";

export const DATABASE_BACKEND = process.env.TEST_DATABASE_BACKEND ?? "postgres";

/**
 * TEST_DATABASE_URL runs the tests on a server of yours (a superuser's URL): that is how PostgreSQL 15 is tried. With
 * TEST_DATABASE_BACKEND=citus, it leads to a coordinator.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const folder = given ? null : createDataFolder("rowmill-test-");
  // Under root the server has another account, which must be able to enter.
  if (folder) chmodSync(folder, 0o755);
  const server = folder ? await startPostgres(folder) : { url: given ?? "", stop: async () => {} };
  if (folder) {
    await forgetOnPowerFailure(server.url);
    await cheapenLogins(server.url);
  }
  await drop(server.url, TEMPLATE);
  await create(server.url, TEMPLATE);
  const url = databaseUrl(server.url, TEMPLATE);
  if (DATABASE_BACKEND === "citus") await addNodes(url);
  const config = loadConfig({ DATABASE_URL: url, DATABASE_BACKEND, JWT_SECRET: "x".repeat(32) });
  await migrateDatabase(config, createLog({ logLevel: "silent" }, "test"));
  for (const each of serversOf(server.url)) await closeTemplate(each);
  project.provide("serverUrl", server.url);
  // All projects of a run have one folder.
  process.env[FOLDER] ??= mkdtempSync(join(tmpdir(), "rowmill-statements-"));
  const stop = async () => {
    if (given) await drop(server.url, TEMPLATE);
    await server.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  return async () => {
    const problems = await problemsOfRun(server.url).finally(stop);
    if (problems.length === 0) return;
    // Vitest only prints the error.
    process.exitCode = 1;
    throw new Error(
      `Statements of this run break rules of Citus (citus-rules.ts):\n\n${problems.join("\n\n")}`,
    );
  };
}

/** Checks the statements that all tests and programs of the run have sent: once, by the first project that ends. */
async function problemsOfRun(serverUrl: string): Promise<string[]> {
  const folder = process.env[FOLDER];
  delete process.env[FOLDER];
  if (!folder) return [];
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    return problemsOf(readStatements(folder), await readVolatility(client));
  } finally {
    await client.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run opens more than ten thousand connections, and the default of 4096 rounds takes some milliseconds of both sides. */
async function cheapenLogins(serverUrl: string): Promise<void> {
  const { username, password } = new URL(serverUrl);
  await onServer(serverUrl, `SET scram_iterations = 1; ALTER ROLE ${username} PASSWORD '${password}'`);
}

/** Commits stay safe from a crash of the server, and need not wait for the disk. */
async function forgetOnPowerFailure(serverUrl: string): Promise<void> {
  for (const setting of ["fsync", "full_page_writes"])
    await onServer(serverUrl, `ALTER SYSTEM SET ${setting} = off`);
  await onServer(serverUrl, "SELECT pg_reload_conf()");
}

/**
 * The database has its shards on the nodes of TEST_DATABASE_NODES, whose databases have its name. Without nodes, the coordinator
 * takes them. A copy of the template on each server then is an installation of its own.
 */
async function addNodes(url: string): Promise<void> {
  const nodes = nodesOf(url);
  for (const each of [url, ...nodes])
    await onServer(each, "CREATE EXTENSION IF NOT EXISTS citus WITH SCHEMA pg_catalog");
  await onServer(url, `SELECT pg_catalog.citus_set_coordinator_host(${addressOf(url)})`);
  for (const node of nodes) await onServer(url, `SELECT pg_catalog.citus_add_node(${addressOf(node)})`);
  if (nodes.length === 0)
    await onServer(
      url,
      `SELECT pg_catalog.citus_set_node_property(${addressOf(url)}, 'shouldhaveshards', true)`,
    );
}

function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `'${hostname}', ${port || 5432}`;
}

function serversOf(serverUrl: string): string[] {
  return [serverUrl, ...nodesOf(serverUrl)];
}

/** The databases of the nodes that have shards of this database. */
export function nodesOf(url: string): string[] {
  const servers = process.env.TEST_DATABASE_NODES?.split(",") ?? [];
  return servers.map((server) => databaseUrl(server, new URL(url).pathname.slice(1)));
}

/** Only a database that nobody uses can be copied. Citus keeps a session in each one that accepts any. */
async function closeTemplate(serverUrl: string): Promise<void> {
  await onServer(serverUrl, `ALTER DATABASE ${TEMPLATE} ALLOW_CONNECTIONS false`);
  await onServer(
    serverUrl,
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${TEMPLATE}'`,
  );
}

export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A database in which a statement that depends on the search_path fails. */
export async function create(serverUrl: string, name: string, template = "template1"): Promise<void> {
  // The default strategy, which logs each page, takes longer, also when the database is dropped.
  for (const server of serversOf(serverUrl)) {
    await onServer(server, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
    await onServer(server, `ALTER DATABASE ${name} SET search_path TO ''`);
  }
}

export async function drop(serverUrl: string, name: string): Promise<void> {
  // Citus starts a session of its own in a new database, which cannot be ended while it starts.
  for (const server of serversOf(serverUrl))
    await until("the database is dropped", () =>
      onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).then(
        () => true,
        (error: pg.DatabaseError) => {
          if (error.code !== "55006") throw error;
          return false;
        },
      ),
    );
}
