/** Commands for operators. */
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { signUp } from "./accounts/sign-up.ts";
import { diagnose } from "./cli/doctor.ts";
import { tasksCommand } from "./cli/tasks.ts";
import { loadConfig } from "./config.ts";
import { openContext } from "./context.ts";
import { ConfigError, DomainError } from "./errors.ts";
import { migrateDatabase } from "./migrate.ts";
import { createLog } from "./platform/log.ts";
import { openPool } from "./platform/postgres/database.ts";
import { provideDatabase } from "./platform/postgres/embedded-postgres.ts";
import { reportAndExit } from "./platform/process/lifecycle.ts";

const USAGE = `Usage: npm run cli -- COMMAND
  migrate              bring the database up to this version
  create-admin NAME    make an administrator; the password is read from standard input, or made and shown
  doctor               check this installation and say what to do
  tasks ...            look at tasks, queues and workers, and act on them; \`tasks\` alone says how`;

type Command = (config: ReturnType<typeof loadConfig>, args: string[]) => Promise<void>;

const commands: Record<string, Command> = {
  async migrate(config) {
    await migrateDatabase(config, createLog({ logLevel: "warn" }, "cli"));
    console.log("The database is migrated.");
  },

  async "create-admin"(config, [username]) {
    if (!username) throw new ConfigError(USAGE);
    const given = process.stdin.isTTY ? "" : (await text(process.stdin)).trim();
    const password = given || randomBytes(15).toString("base64url");
    const ctx = await openContext(config, createLog({ logLevel: "warn" }, "cli"), "enqueue");
    try {
      const { passwordMinLength } = config;
      const admin = await signUp(ctx, { username, password, email: "", role: "admin", passwordMinLength });
      console.log(`Administrator "${admin.username}" (id ${admin.id}) is made.`);
      if (!given) console.log(`Password, shown only here: ${password}`);
    } finally {
      await ctx.close(1000);
    }
  },

  async doctor(config) {
    const pool = openPool(config.databaseUrl, 2, createLog({ logLevel: "silent" }, "cli"));
    const findings = await diagnose(config, pool);
    await pool.end();
    for (const { isGood, text } of findings) console.log(`${isGood ? "✓" : "✗"} ${text}`);
    if (findings.some(({ isGood }) => !isGood)) process.exitCode = 1;
  },

  async tasks(config, args) {
    const ctx = await openContext(config, createLog({ logLevel: "warn" }, "cli"), "enqueue");
    try {
      await tasksCommand(ctx, args);
    } finally {
      await ctx.close(1000);
    }
  },
};

try {
  const [name = "", ...args] = process.argv.slice(2);
  const command = commands[name];
  if (!command) throw new ConfigError(USAGE);
  const config = loadConfig();
  const database = await provideDatabase(config, true);
  try {
    await command({ ...config, databaseUrl: database.url }, args);
  } finally {
    await database.stop();
  }
} catch (error) {
  reportAndExit(error instanceof DomainError ? new ConfigError(error.message) : error);
}
