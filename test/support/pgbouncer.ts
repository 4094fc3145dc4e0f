/** PgBouncer in transaction mode in front of the tests' server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import pg from "pg";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { unprivilegedAccount } from "../../src/platform/postgres/embedded/postgres-home.ts";
import { until } from "./until.ts";

const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];

/** null: it is not installed. */
export const pgbouncer =
  folders.map((path) => join(path, "pgbouncer")).find((path) => existsSync(path)) ?? null;

export const whyNoPgBouncer = "PgBouncer is not installed: apt-get install pgbouncer";

/**
 * Each transaction gets the session that was unused for longest, so that nothing can depend on a session by chance.
 * @returns a URL of the same database that leads through it
 */
export async function startPgBouncer(databaseUrl: string): Promise<AsyncDisposable & { url: string }> {
  const { hostname, port, username, password } = new URL(databaseUrl);
  const folder = mkdtempSync(join(tmpdir(), "rowmill-pgbouncer-"));
  chmodSync(folder, 0o755);
  const listenPort = await freePort();
  writeFileSync(join(folder, "users.txt"), `"${username}" "${password}"\n`);
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
server_round_robin = 1
default_pool_size = 20
max_client_conn = 200
ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout
`,
  );
  // It refuses to run as root.
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : {};
  const child = spawn(pgbouncer ?? "", [join(folder, "pgbouncer.ini")], {
    ...account,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  let output = "";
  child.stderr.on("data", (part) => {
    output += part;
  });
  const url = Object.assign(new URL(databaseUrl), { hostname: "127.0.0.1", port: String(listenPort) }).href;
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended:\n${output}`);
    const client = new pg.Client({ connectionString: url });
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  };
  await until("PgBouncer answers", answers);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
