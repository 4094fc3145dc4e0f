/** Everything on one machine: the embedded database where there is no other, migrations, the API and a worker. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Config, environmentFor, loadConfig } from "./config.ts";
import { runDemo } from "./demo/run-demo.ts";
import { ConfigError } from "./errors.ts";
import { jobs } from "./jobs.ts";
import { provideDatabase } from "./platform/embedded-postgres.ts";
import { closeOnSignal, reportAndExit } from "./platform/lifecycle.ts";
import { createLog } from "./platform/log.ts";
import { migrateDatabase } from "./platform/migrate.ts";
import { Supervisor } from "./platform/supervise.ts";

const services = new AsyncDisposableStack();
let stopping: Promise<void> | null = null;
/** At most once, whoever asks; everybody waits for the same end. */
const stop = () => {
  stopping ??= services.disposeAsync();
  return stopping;
};

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { demo: { type: "boolean", default: false }, exit: { type: "boolean", default: false } },
  });
  if (positionals.length > (values.demo ? 1 : 0)) {
    throw new ConfigError("Usage: npm start, or: npm run demo -- [FILE.csv] [--exit]");
  }
  const [file] = positionals;
  if (file !== undefined && !existsSync(file)) throw new ConfigError(`There is no file ${file}.`);
  const config = loadConfig();
  await startServices(config, values.demo ? { LOG_LEVEL: "warn" } : {});
  if (values.demo) {
    const isDone = await runDemo(config, file);
    if (!isDone || values.exit || !process.stdout.isTTY) {
      await stop();
      process.exit(isDone ? 0 : 1);
    }
    console.log("\nRowmill stays up. Ctrl-C ends it.");
  } else {
    console.log(
      `Rowmill serves ${config.publicUrl} (documentation: ${config.publicUrl}/docs). Ctrl-C ends it.`,
    );
  }
} catch (error) {
  // After a signal whatever is still under way fails; who got the signal exits.
  if (!stopping) {
    await stop();
    reportAndExit(error);
  }
}

/** Starts the database, the API and a worker, in this order; they end in reverse, but for the programs: API first. */
async function startServices(config: Config, overrides: NodeJS.ProcessEnv): Promise<void> {
  const log = createLog({ logLevel: "warn" }, "start");
  closeOnSignal(log, stop);
  const starting = provideDatabase(config);
  services.defer(async () => (await starting.catch(() => null))?.stop());
  const database = await starting;
  await migrateDatabase(config, database.url, Object.values(jobs), log);
  const programs = new Supervisor((line) => console.error(`rowmill: ${line}`));
  services.defer(() => programs.stop());
  const env = environmentFor(config, database.url, overrides);
  for (const name of ["api", "worker"]) {
    await programs.start({ name, script: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), env });
  }
}
