/** A whole Rowmill for one test file: its own database, the API on a free port, and a worker when asked for. */
import { randomBytes } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { createApp } from "../../src/app.ts";
import { type Config, loadConfig } from "../../src/config/config.ts";
import type { Context } from "../../src/context.ts";
import { type OpenContext, openContext } from "../../src/open-context.ts";
import { createLog } from "../../src/platform/log.ts";
import { takeJobs } from "../../src/take-jobs.ts";
import { Client } from "./client.ts";
import { shareContract } from "./openapi.ts";
import "./password-hashes.ts";
import "./sent-statements.ts";
import { create, DATABASE_BACKEND, databaseUrl, drop, TEMPLATE } from "./postgres.ts";

/** Settings of a test: no simulated delay, no logs, limits as shipped. */
const SETTINGS = {
  DATABASE_BACKEND,
  ROW_DELAY_MS: "0",
  // Small files have several chunks.
  CHUNK_MIN_ROWS: "25",
  LOG_LEVEL: "silent",
  PORT: "0",
  DATABASE_POOL_MAX: "16",
  JWT_SECRET: "test".repeat(8),
  SECRETS_KEY: "key of the tests, ".repeat(2),
  // All users of a test have one address.
  SIGNUPS_PER_HOUR: "0",
};

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/** A copy of the migrated template, dropped at the end. */
export async function createDatabase(): Promise<TestDatabase> {
  const serverUrl = inject("serverUrl");
  const name = `rowmill_test_${randomBytes(6).toString("hex")}`;
  await create(serverUrl, name, TEMPLATE);
  return { url: databaseUrl(serverUrl, name), [Symbol.asyncDispose]: () => drop(serverUrl, name) };
}

export interface Rowmill extends AsyncDisposable {
  readonly config: Config;
  /** The API's own resources: to look into the database, and to call verbs. */
  readonly ctx: OpenContext;
  readonly app: Awaited<ReturnType<typeof createApp>>;
  readonly url: string;
  /** A client without a token. */
  readonly client: Client;
  /** A client of a new user. */
  newUser(): Promise<Client>;
  /** Starts taking jobs in this process, until the end of the test or of this object. */
  startWorker(settings?: NodeJS.ProcessEnv): Promise<OpenContext>;
}

/**
 * `await using rowmill = await startRowmill()`, or dispose of it in afterAll.
 * @param url of a migrated database that the test has created; absent: a new one
 */
export async function startRowmill(settings: NodeJS.ProcessEnv = {}, url?: string): Promise<Rowmill> {
  await using stack = new AsyncDisposableStack();
  const database = url === undefined ? stack.use(await createDatabase()) : { url };
  const env = { ...SETTINGS, ...settings, DATABASE_URL: database.url };
  const config = loadConfig(env);
  const ctx = await openContext(config, createLog(config, "test"), "enqueue");
  stack.defer(() => ctx.close(1000));
  const app = await createApp(ctx);
  stack.defer(() => app.close());
  const apiUrl = await app.listen({ host: "127.0.0.1", port: 0 });
  shareContract(app, config);
  const client = new Client(apiUrl, app);
  const workers = stack.use(new AsyncDisposableStack());
  const resources = stack.move();
  let users = 0;
  return {
    config,
    ctx,
    app,
    url: apiUrl,
    client,
    newUser: () => client.signUp(`user-${++users}`),
    async startWorker(own = {}) {
      const settings = loadConfig({ ...env, ...own });
      const worker = await openContext(settings, createLog(settings, "test-worker"), "work");
      workers.defer(() => worker.close(1000));
      const taking = await takeJobs(worker);
      workers.defer(() => taking[Symbol.dispose]());
      return worker;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Runs at the end of the test that calls it. */
export function atEnd(fn: () => Promise<unknown>): void {
  onTestFinished(async () => void (await fn()));
}

/** The context in which this user acts, for verbs that record who did it. */
export function asUser(ctx: Context, id: number): Context {
  return { ...ctx, actor: { id, username: `user-${id}`, role: "user", proof: "password" } };
}
