/** The command line for operators. */
import { findCommand, helpFor } from "./cli/commands.ts";
import { loadConfig } from "./config/config.ts";
import { ConfigError, DomainError } from "./errors.ts";
import { openContext } from "./open-context.ts";
import { createLog } from "./platform/log.ts";
import { provideDatabase } from "./platform/postgres/embedded/embedded-postgres.ts";
import { reportAndExit } from "./platform/process/lifecycle.ts";

try {
  const args = process.argv.slice(2);
  const run = findCommand(args);
  if (run) await inSession(run);
  else console.log(helpFor(args[0]));
  // Without this, the endless upload of `seed` would keep the process alive.
  process.exit();
} catch (error) {
  reportAndExit(error instanceof DomainError ? new ConfigError(error.message, { cause: error }) : error);
}

async function inSession(run: NonNullable<ReturnType<typeof findCommand>>): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const loaded = loadConfig();
  const database = await provideDatabase(loaded, true);
  resources.defer(() => database.stop());
  const config = { ...loaded, databaseUrl: database.url };
  await run({
    config,
    async connect() {
      const ctx = await openContext(config, createLog({ ...config, logLevel: "warn" }, "cli"), "enqueue");
      resources.defer(() => ctx.close(1000));
      return ctx;
    },
  });
}
