import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { CONSOLE_FOLDER } from "../../src/platform/http/console.ts";

const root = join(import.meta.dirname, "../..");

/** Builds the console, unless a build is there. */
export async function buildConsole(): Promise<void> {
  if (existsSync(join(CONSOLE_FOLDER, "index.html"))) return;
  const config = join(root, "src/console/vite.config.ts");
  await promisify(execFile)(process.execPath, [
    join(root, "node_modules/vite/bin/vite.js"),
    "build",
    "--config",
    config,
  ]);
}
