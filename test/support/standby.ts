/** A standby of a test's own server, which receives its log while it is written (streaming replication). */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, chownSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { createDataFolder } from "./data-folder.ts";
import { type OwnServer, signalServer } from "./own-server.ts";
import { until } from "./until.ts";

export interface Standby extends AsyncDisposable {
  readonly url: string;
  /** Receives the log, but no longer applies it: reads show the state of this moment. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
  /** Sends a signal to the server and to all of its processes. */
  signalAll(signal: "SIGSTOP" | "SIGCONT"): void;
  query<R extends pg.QueryResultRow>(text: string): Promise<R[]>;
}

export async function startStandby(primary: OwnServer): Promise<Standby> {
  await using stack = new AsyncDisposableStack();
  const home = createDataFolder("rowmill-standby-");
  chmodSync(home, 0o755);
  stack.defer(() => rmSync(home, { recursive: true, force: true }));
  const cluster = join(home, "postgres");
  const label = await copyCluster(primary, cluster);
  const { uid, gid } = statSync(cluster);
  const write = (name: string, text: string) => {
    appendFileSync(join(cluster, name), text);
    chownSync(join(cluster, name), uid, gid);
  };
  write("backup_label", label);
  write("standby.signal", "");
  write("postgresql.auto.conf", `primary_conninfo = '${primary.url}'\n`);
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
  const args = ["-D", cluster, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  const url = Object.assign(new URL(primary.url), { port: String(port) }).href;
  let server: ChildProcess | null = null;
  const start = async () => {
    server = spawn(binaryOf(primary), args, { uid, gid, stdio: "ignore" });
    await until("the standby answers", () =>
      query(url, "SELECT 1").then(
        () => true,
        () => false,
      ),
    );
  };
  const stop = async () => {
    if (!server || server.exitCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGINT");
    await exited;
  };
  stack.defer(stop);
  await start();
  const resources = stack.move();
  return {
    url,
    pause: async () => void (await query(url, "SELECT pg_wal_replay_pause()")),
    resume: async () => void (await query(url, "SELECT pg_wal_replay_resume()")),
    stop,
    start,
    signalAll: (signal) => signalServer(server?.pid ?? 0, signal),
    query: (text) => query(url, text),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP */
async function copyCluster({ url, folder }: OwnServer, to: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('standby', true)");
    execFileSync("cp", ["-a", folder, to]);
    const { rows } = await client.query<{ label: string }>(
      "SELECT labelfile AS label FROM pg_backup_stop(false)",
    );
    for (const name of ["postmaster.pid", "postmaster.opts"]) rmSync(join(to, name), { force: true });
    return rows[0]?.label ?? "";
  } finally {
    await client.end();
  }
}

function binaryOf({ folder }: OwnServer): string {
  return readFileSync(join(folder, "postmaster.opts"), "utf8").split(' "')[0] ?? "";
}

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}
