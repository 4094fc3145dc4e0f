/** Commands for tables of applications, into which targets write. */
import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import pg from "pg";
import { ConfigError } from "../errors.ts";
import { createLog } from "../platform/log.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { provideTargetRole } from "../targets/tables/access/provide-target-role.ts";
import { command } from "./command.ts";

export const tableCommands = [
  command({
    name: "tables grant",
    usage: "",
    summary: "Create the role of TARGET_ROLE, and grant it what the tables of TARGET_TABLES need.",
    options: {},
    async run({ config }) {
      if (config.tableTargets.allowed.length === 0)
        throw new ConfigError("TARGET_TABLES: not set. Set it to tables such as shop.customers or shop.*");
      const executed = await provideTargetRole(
        config,
        createLog({ ...config, logLevel: "warn" }, "cli"),
      ).catch((error) => {
        const known = postgresError(error);
        if (!known) throw error;
        const way =
          "Let an administrator of the database run the statements that `npm run cli -- doctor` prints.";
        throw new ConfigError(`${known.message}. ${way}`, { cause: error });
      });
      for (const statement of executed) console.log(`${statement};`);
      if (executed.length === 0) console.log("The role has everything that it needs.");
    },
  }),
  command({
    name: "sql",
    usage: "[FILE]",
    summary: "Run the SQL of a file or of standard input, in one transaction, for example to create tables.",
    takesArgument: true,
    options: {},
    async run({ config }, _, file) {
      const statements = file === undefined ? await readAll(process.stdin) : await readFile(file, "utf8");
      const client = new pg.Client({ connectionString: config.databaseUrl });
      await client.connect();
      try {
        const results = await client.query(statements);
        for (const { command, rows } of [results].flat()) {
          if (rows.length > 0) console.table(rows);
          else if (command) console.log(command);
        }
      } catch (error) {
        const known = postgresError(error);
        if (!known) throw error;
        throw new ConfigError(
          `${known.message}${known.hint ? ` (${known.hint})` : ""}. Nothing was changed.`,
          { cause: error },
        );
      } finally {
        await client.end();
      }
    },
  }),
];
