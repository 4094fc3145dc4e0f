/** A PostgreSQL for one test, migrated, that the test can stop, start and freeze. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { loadConfig } from "../../src/config/config.ts";
import { migrateDatabase } from "../../src/migrate.ts";
import { createLog } from "../../src/platform/log.ts";
import { startPostgres } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { kill } from "./commands.ts";
import { createDataFolder } from "./data-folder.ts";
import { until } from "./until.ts";

export interface OwnServer extends AsyncDisposable {
  readonly url: string;
  /** The folder of its data. */
  readonly folder: string;
  stop(signal: "SIGINT" | "SIGQUIT"): Promise<void>;
  /** On the same port and the same data. */
  start(): Promise<void>;
  /** Sends a signal to the server and to all of its processes. */
  signalAll(signal: "SIGSTOP" | "SIGCONT"): void;
}

/** @param folder of the data, which the caller removes; absent: a temporary one */
export async function ownServer(folder?: string): Promise<OwnServer> {
  await using stack = new AsyncDisposableStack();
  const home = folder ?? createDataFolder("rowmill-restart-");
  chmodSync(home, 0o755);
  if (!folder) stack.defer(() => rmSync(home, { recursive: true, force: true }));
  const { url, stop } = await startPostgres(home);
  stack.defer(stop);
  const settings = { DATABASE_URL: url, JWT_SECRET: "test".repeat(8), LOG_LEVEL: "silent" };
  const config = loadConfig(settings);
  await migrateDatabase({ ...config, databaseUrl: url }, createLog(config, "test"));

  const cluster = join(home, "postgres");
  const pid = Number(readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n")[0]);
  // The command that started the server, as it wrote it down: /…/bin/postgres "-D" "/…" "-p" "…" …
  const [binary = "", ...quoted] = readFileSync(join(cluster, "postmaster.opts"), "utf8").trim().split(' "');
  const args = quoted.map((argument) => argument.slice(0, -1));
  const { uid, gid } = statSync(cluster);
  let restarted: ChildProcess | null = null;
  const end = async (signal: NodeJS.Signals) => {
    if (restarted) {
      const exited = once(restarted, "exit");
      restarted.kill(signal);
      await exited;
      restarted = null;
    } else if (isAlive(pid)) {
      process.kill(pid, signal);
      await until("the database is down", async () => !isAlive(pid));
    }
  };
  stack.defer(() => end("SIGINT"));
  const resources = stack.move();
  return {
    url,
    folder: cluster,
    stop: end,
    async start() {
      restarted = spawn(binary, args, { uid, gid, stdio: "ignore" });
      await until("the database answers", () => answers(url));
    },
    signalAll: (signal) => signalServer(restarted?.pid ?? pid, signal),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Processes of a server have sessions of their own, so a signal to its group would not reach them. */
export function signalServer(main: number, signal: "SIGSTOP" | "SIGCONT"): void {
  // First, so that it starts no process that is not in the list.
  process.kill(main, signal);
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(main)], { encoding: "utf8" });
  for (const each of children.trim().split(/\s+/).map(Number)) kill(each, signal);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
