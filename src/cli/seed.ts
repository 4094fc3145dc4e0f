import { seedDatabase } from "../demo/seed.ts";
import { migrateDatabase } from "../migrate.ts";
import { createLog } from "../platform/log.ts";
import { command, flag } from "./command.ts";

export const seed = command({
  name: "seed",
  usage: "[--force]",
  summary: "Fill a development database with accounts, and with batches and tasks in every state.",
  options: { force: flag },
  async run({ config, connect }, { force }) {
    await migrateDatabase(config, createLog({ ...config, logLevel: "warn" }, "cli"));
    await seedDatabase(await connect(), force);
  },
});
