/** Everything on one machine: the embedded database where there is no other, migrations, the API and a worker. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { environmentFor, loadConfig } from "./config.ts";
import { runDemo } from "./demo/run-demo.ts";
import { ConfigError } from "./errors.ts";
import { migrateDatabase } from "./migrate.ts";
import { provideDatabase } from "./platform/postgres/embedded-postgres.ts";
import { type Running, runProgram } from "./platform/process/lifecycle.ts";
import { Supervisor } from "./platform/process/supervise.ts";

await runProgram(
  "start",
  () => ({ ...loadConfig(), logLevel: "warn" }),
  async (running) => {
    const { isDemo, file, mustExit } = readArguments();
    const { publicUrl } = running.config;
    await startServices(running, isDemo ? { LOG_LEVEL: "warn" } : {});
    if (!isDemo) {
      console.log(`Rowmill serves ${publicUrl} (documentation: ${publicUrl}/docs). Ctrl-C ends it.`);
      return;
    }
    const isDone = await runDemo(running.config, file);
    if (!isDone || mustExit) {
      await running.close();
      process.exit(isDone ? 0 : 1);
    }
    console.log("\nRowmill stays up. Ctrl-C ends it.");
  },
);

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { demo: { type: "boolean", default: false }, exit: { type: "boolean", default: false } },
  });
  const [file] = positionals;
  if (positionals.length > (values.demo ? 1 : 0)) {
    throw new ConfigError("Usage: npm start, or: npm run demo -- [FILE.csv] [--exit]");
  }
  if (file !== undefined && !existsSync(file)) throw new ConfigError(`There is no file ${file}.`);
  return { isDemo: values.demo, file, mustExit: values.exit || !process.stdout.isTTY };
}

/** Starts the database, the API and a worker, in this order; the programs end before the database. */
async function startServices(
  { config, log, resources }: Running,
  overrides: NodeJS.ProcessEnv,
): Promise<void> {
  const starting = provideDatabase(config);
  resources.defer(async () => (await starting.catch(() => null))?.stop());
  const database = await starting;
  await migrateDatabase({ ...config, databaseUrl: database.url }, log);
  const programs = new Supervisor((line) => console.error(`rowmill: ${line}`));
  resources.defer(() => programs.stop());
  const env = environmentFor(config, database.url, overrides);
  for (const name of ["api", "worker"]) {
    await programs.start({ name, script: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), env });
  }
}
