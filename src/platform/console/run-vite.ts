import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ConfigError } from "../../errors.ts";
import type { Build } from "./build-console.ts";

const MAX_OUTPUT = 16_384;

/**
 * Returns a build with vite in a process of its own; null if vite is not installed, as after `npm ci --omit=dev`.
 * @param signal ends the process
 */
export function viteBuild(root: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Build | null {
  const script = join(root, "node_modules/vite/bin/vite.js");
  const sources = join(root, "src/console");
  if (!existsSync(script) || !existsSync(sources)) return null;
  return async (folder) => {
    const args = [script, "build", sources, "--outDir", folder, "--emptyOutDir"];
    const child = spawn(process.execPath, args, {
      cwd: root,
      env,
      signal,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      output = (output + part).slice(0, MAX_OUTPUT);
    });
    const [code, killedBy] = await once(child, "close");
    if (code === 0) return;
    const [message = ""] = stripVTControlCharacters(output).split("\n    at ");
    throw new ConfigError(message.trim() || `vite ended (${killedBy ?? `code ${code}`}).`);
  };
}
