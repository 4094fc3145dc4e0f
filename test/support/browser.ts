/** Chromium, without a window. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** CHROMIUM names another program than the one on the PATH. */
export const browser = process.env.CHROMIUM ?? "chromium";

export const hasBrowser = isAbsolute(browser)
  ? existsSync(browser)
  : (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, browser)));

/** Opens a page until it is disposed of, with a profile of its own. */
export async function openPage(url: string): Promise<AsyncDisposable> {
  const profile = await mkdtempDisposable(join(tmpdir(), "rowmill-browser-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile.path}`];
  // A group of its own: Chromium has many processes. It leaves files in TMPDIR when it is killed.
  const env = { ...process.env, TMPDIR: profile.path };
  const child = spawn(browser, [...flags, url], { detached: true, stdio: "ignore", env });
  const ended = once(child, "exit");
  return {
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
      await ended;
      await profile.remove();
    },
  };
}
