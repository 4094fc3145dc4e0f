import { seedDatabase } from "../demo/seed.ts";
import { migrateDatabase } from "../migrate.ts";
import { createLog } from "../platform/log.ts";
import { hasTables } from "../platform/postgres/schemas.ts";
import { command, flag } from "./command.ts";

export const seed = command({
  name: "seed",
  usage: "[--force]",
  summary: "Fill a development database with accounts, and with batches and tasks in every state.",
  options: { force: flag },
  async run({ config, connect }, { force }) {
    // Migrating a database of an older version stops its programs, so this needs a command of its own.
    if (force || !(await hasTables(config.databaseUrl)))
      await migrateDatabase(config, createLog({ ...config, logLevel: "warn" }, "cli"));
    await seedDatabase(await connect(), force);
  },
});
