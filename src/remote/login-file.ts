/** Remembers the server and its API token, readable by their owner only. */
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

export interface Login {
  readonly url: string;
  readonly token: string;
  /** null: the token was made elsewhere, and `logout` does not revoke it. */
  readonly token_id: number | null;
  readonly username: string;
}

type Env = Terminal["env"];

export function loginPath(env: Env): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config"), "rowmill", "login.json");
}

export async function readLogin(env: Env): Promise<Login | null> {
  const path = loginPath(env);
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw new ConfigError(`${path} cannot be read: ${error.message}`, { cause: error });
  });
  if (content === null) return null;
  try {
    return JSON.parse(content) as Login;
  } catch (cause) {
    throw new ConfigError(`${path} is damaged. Log in again.`, { cause });
  }
}

export async function writeLogin(env: Env, login: Login): Promise<void> {
  const path = loginPath(env);
  const partial = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(partial, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 });
  // `mode` is for new files only.
  await chmod(partial, 0o600);
  await rename(partial, path);
}

export async function removeLogin(env: Env): Promise<void> {
  await rm(loginPath(env), { force: true });
}

/**
 * ROWMILL_URL and ROWMILL_TOKEN come before what `login` has stored.
 * @throws ConfigError if one of both is missing
 */
export async function currentLogin(env: Env): Promise<Pick<Login, "url" | "token">> {
  const { ROWMILL_URL: url, ROWMILL_TOKEN: token } = env;
  if (url && token) return { url: serverUrl(url), token };
  const stored = await readLogin(env);
  // A stored token belongs to its server, and must not reach another one.
  if (stored && (!url || serverUrl(url) === stored.url))
    return { url: stored.url, token: token || stored.token };
  const missing = url ? `No token for ${url}` : "Not logged in";
  throw new ConfigError(`${missing}. Run \`rowmill login URL\`, or set ROWMILL_URL and ROWMILL_TOKEN.`);
}

/** @throws ConfigError unless it is the address of a server */
export function serverUrl(address: string): string {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
    throw new ConfigError(
      `"${address}" is not the address of a server, such as https://rowmill.example.com.`,
    );
  }
  return url.href.replace(/\/+$/, "");
}
