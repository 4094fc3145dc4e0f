/** Runs everything on one machine: the embedded database unless DATABASE_URL is set, migrations, the API and a worker. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readArguments } from "./cli/arguments.ts";
import { buildEnvironment, environmentFor, loadConfig } from "./config/config.ts";
import { runDemo, SAMPLE } from "./demo/run-demo.ts";
import { printWelcome } from "./demo/welcome.ts";
import { ConfigError } from "./errors.ts";
import { migrateDatabase } from "./migrate.ts";
import { consoleBuilder } from "./platform/console/console-builder.ts";
import { CONSOLE_FOLDER } from "./platform/console/folder.ts";
import { viteBuild } from "./platform/console/run-vite.ts";
import { isConsoleSource } from "./platform/console/source-key.ts";
import { provideAppRole } from "./platform/postgres/app-role.ts";
import { provideDatabase, type RunningPostgres } from "./platform/postgres/embedded/embedded-postgres.ts";
import { type Running, runProgram } from "./platform/process/lifecycle.ts";
import { Supervisor } from "./platform/process/supervise.ts";
import { watchSources } from "./platform/process/watch-sources.ts";
import { provideTargetRole } from "./targets/tables/access/provide-target-role.ts";

const flag = { type: "boolean", default: false } as const;

/** A debugger attaches to these ports with `--inspect`. */
const INSPECT_PORTS = { api: 9229, worker: 9230 };

/** A worker gets this long (WORKER_STOP_SECONDS), so a silent terminal would look as if it hung. */
const STOPPING = "rowmill: Stopping when running jobs have ended. Press Ctrl-C again to stop at once.";

await runProgram(
  "start",
  // The programs that it starts are traced, not this one.
  () => ({ ...loadConfig(), logLevel: "warn", tracing: null }),
  async (running) => {
    const { file = SAMPLE, ...values } = readStartArguments();
    const database = await startServices(running, values);
    const keepsRunning = !values.demo || (!values.exit && process.stdout.isTTY);
    if (keepsRunning) running.resources.defer(() => console.error(STOPPING));
    if (!values.demo) return printWelcome(running.config, database);
    const isDone = await runDemo(running.config, file, keepsRunning);
    if (!isDone || !keepsRunning) {
      await running.close();
      process.exit(isDone ? 0 : 1);
    }
    console.log("\nRowmill keeps running. Press Ctrl-C to stop.");
  },
);

function readStartArguments() {
  const options = { demo: flag, exit: flag, watch: flag, inspect: flag };
  const { values, positionals } = readArguments(process.argv.slice(2), options);
  const [file] = positionals;
  if (positionals.length > (values.demo ? 1 : 0)) {
    throw new ConfigError(
      "Too many arguments. Usage: npm start, npm run dev [-- --inspect], or npm run demo [-- FILE.csv] [--exit]",
    );
  }
  if (file !== undefined && !existsSync(file)) throw new ConfigError(`File not found: ${file}`);
  return { ...values, file };
}

/** Starts the database, the API and a worker, in this order; the programs end before the database. */
async function startServices(
  { config, log, resources }: Running,
  { demo, watch, inspect }: { demo: boolean; watch: boolean; inspect: boolean },
): Promise<RunningPostgres> {
  const report = (line: string) => console.error(`rowmill: ${line}`);
  const buildConsole = openConsoleBuilder(resources, report);
  // Takes about as long as the start of PostgreSQL.
  const built = buildConsole();
  const starting = provideDatabase(config);
  resources.defer(async () => (await starting.catch(() => null))?.stop());
  const database = await starting;
  await migrateDatabase({ ...config, databaseUrl: database.url }, log);
  const databaseUrl = database.folder ? await provideAppRole(database.url) : database.url;
  if (database.folder) await provideTargetRole({ ...config, databaseUrl: database.url }, log);
  const programs = new Supervisor(report, watch);
  resources.defer(() => programs.stop());
  const env = environmentFor(config, databaseUrl, {
    ...(demo ? { LOG_LEVEL: "warn" } : {}),
    // A restart hands running jobs back instead of waiting for them.
    ...(watch ? { WORKER_STOP_SECONDS: "1" } : {}),
  });
  for (const name of ["api", "worker"] as const) {
    const nodeOptions = inspect ? [`--inspect=127.0.0.1:${INSPECT_PORTS[name]}`] : [];
    const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    await programs.start({ name, script, nodeOptions, env });
  }
  if (watch) {
    const restart = (files: readonly string[]) => {
      if (files.some(isConsoleSource)) void buildConsole();
      const [file] = files.filter((name) => !name.startsWith("console/"));
      if (file === undefined) return;
      report(`src/${file} changed. Restarting the API and the worker.`);
      void programs.restart();
    };
    resources.use(watchSources(import.meta.dirname, restart));
  }
  await built;
  return database;
}

function openConsoleBuilder(resources: AsyncDisposableStack, report: (line: string) => void) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const stopped = new AbortController();
  resources.defer(() => stopped.abort());
  const build = viteBuild(root, buildEnvironment(), stopped.signal);
  if (!build) return async () => {};
  return consoleBuilder({ root, folder: CONSOLE_FOLDER }, build, (line) => {
    if (!stopped.signal.aborted) report(line);
  });
}
