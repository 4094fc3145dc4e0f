/** Runs a PostgreSQL server from an npm package, with its data in DATA_DIR. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Config } from "../../../config/config.ts";
import { ConfigError } from "../../../errors.ts";
import { type Account, passwordOf, possibleHomes, prepareHome, SUPERUSER } from "./postgres-home.ts";

export interface RunningPostgres {
  readonly url: string;
  /** Folder of the data; null for a server that DATABASE_URL names. */
  readonly folder: string | null;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
/** Sessions of a killed server notice it within this time and release their shared memory. */
const RESTART_PAUSE_MS = 1000;

/** Fast to start, and no socket files outside DATA_DIR. Durability keeps its default: a commit is on disk. */
const SERVER_SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=300",
  "shared_buffers=256MB",
  // A million rows write about 1 GB of WAL; with the default of 1 GB a checkpoint would interrupt the import.
  "max_wal_size=4GB",
];

/**
 * Starts the server on `dataDir`, and creates its data at the first start. Stops a server that a crash left running.
 * @param restarts whether to start the server again, on the same port, if it dies
 */
export async function startPostgres(dataDir: string, restarts = false): Promise<RunningPostgres> {
  const { home, cluster, binaries, password, account } = await prepareHome(dataDir);
  await takeOver(home, cluster);
  const port = await freePort();
  const args = ["-D", cluster, "-p", String(port), ...SERVER_SETTINGS.flatMap((setting) => ["-c", setting])];
  const launch = () => new Server(join(binaries, "postgres"), args, account);
  let server = launch();
  let isStopping = false;
  const replaceOnExit = () =>
    server.exited.then(async () => {
      await sleep(RESTART_PAUSE_MS);
      if (isStopping) return;
      server = launch();
      void replaceOnExit();
    });
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  await untilReady(url, server);
  if (restarts) void replaceOnExit();
  return {
    url,
    folder: cluster,
    async stop() {
      isStopping = true;
      await server.stop();
    },
  };
}

/** One server process. */
class Server {
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  #output = "";

  constructor(binary: string, args: string[], account: Account | null) {
    // Its own process group: Ctrl-C in the terminal must not end the database before the programs that use it.
    const server = spawn(binary, args, { ...account, stdio: ["ignore", "ignore", "pipe"], detached: true });
    server.stderr.on("data", (chunk) => {
      this.#output = (this.#output + chunk).slice(-4000);
    });
    this.#process = server;
    this.exited = new Promise((done) => server.once("exit", () => done()));
  }

  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** The end of its log. */
  get output(): string {
    return this.#output;
  }

  /** Stops in PostgreSQL's "fast" mode: sessions end, data is kept. */
  async stop(): Promise<void> {
    if (this.hasExited) return;
    this.#process.kill("SIGINT");
    await Promise.race([this.exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

/** Returns the server that another program runs on `dataDir`, or null. */
function runningPostgres(dataDir: string): RunningPostgres | null {
  for (const home of possibleHomes(dataDir)) {
    const folder = join(home, "postgres");
    const running = runningServer(folder);
    if (!running) continue;
    const url = `postgres://${SUPERUSER}:${passwordOf(home)}@127.0.0.1:${running.port}/postgres`;
    return { url, folder, stop: async () => {} };
  }
  return null;
}

/** Reads postmaster.pid. https://www.postgresql.org/docs/current/storage-file-layout.html */
function readLock(cluster: string): { pid: number; port: number } | null {
  const path = join(cluster, "postmaster.pid");
  if (!existsSync(path)) return null;
  const [pid, , , port] = readFileSync(path, "utf8").split("\n").map(Number);
  return pid && port ? { pid, port } : null;
}

function runningServer(cluster: string): { pid: number; port: number } | null {
  const lock = readLock(cluster);
  return lock && commandOf(lock.pid).includes(cluster) ? lock : null;
}

/** A process id alone proves nothing: after a power cut it may belong to another program. */
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

/** Ensures that no other program uses the cluster, and stops a server that a killed program left behind. */
async function takeOver(home: string, cluster: string): Promise<void> {
  const ownerFile = join(home, "owner.pid");
  const owner = existsSync(ownerFile) ? Number(readFileSync(ownerFile, "utf8")) : 0;
  const running = runningServer(cluster);
  if (running && owner && owner !== process.pid && isAlive(owner)) {
    throw new ConfigError(
      `DATA_DIR: in use by another Rowmill (process ${owner}). Set another DATA_DIR and PORT to run a second one.`,
    );
  }
  writeFileSync(ownerFile, String(process.pid));
  if (!running) {
    // A crash left this file, and the id belongs to another program now, which PostgreSQL would take for its own server.
    // If no process has the id, PostgreSQL itself checks that no session of the crashed server is left.
    const lock = readLock(cluster);
    if (lock && isAlive(lock.pid)) rmSync(join(cluster, "postmaster.pid"));
    return;
  }
  process.kill(running.pid, "SIGINT");
  for (let waitedMs = 0; isAlive(running.pid) && waitedMs < STOP_TIMEOUT_MS; waitedMs += 50) await sleep(50);
}

async function untilReady(url: string, server: Server): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (cause) {
      if (server.hasExited || Date.now() > deadline) {
        throw new Error(`The embedded database did not start. Its log ends with:\n${server.output}`, {
          cause,
        });
      }
      await sleep(50);
    } finally {
      await client.end();
    }
  }
}

/** No system gives these ports to connections or to servers that ask for any port, so none takes a port before it is used. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** Finds a free port. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? found(false) : failed(error),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => found(true)));
  });
}

/**
 * Returns the database that DATABASE_URL names, or starts the embedded one.
 * @param mayShare whether to use an embedded database that another program already runs
 */
export async function provideDatabase(
  { databaseUrl, dataDir }: Pick<Config, "databaseUrl" | "dataDir">,
  mayShare = false,
): Promise<RunningPostgres> {
  if (databaseUrl) return { url: databaseUrl, folder: null, stop: async () => {} };
  return (mayShare ? runningPostgres(dataDir) : null) ?? startPostgres(dataDir, true);
}
