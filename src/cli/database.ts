import { migrateDatabase } from "../migrate.ts";
import { createLog } from "../platform/log.ts";
import { command } from "./command.ts";

export const migrate = command({
  name: "migrate",
  usage: "",
  summary: "Migrate the database to this version. Safe to run twice, also at the same time.",
  options: {},
  async run({ config }) {
    await migrateDatabase(config, createLog({ ...config, logLevel: "warn" }, "cli"));
    console.log("The database is up to date.");
  },
});
