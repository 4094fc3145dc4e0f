import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** The build of the console depends on these files and folders, and on nothing else. */
const SOURCES = [
  "src/console",
  "src/client",
  "src/platform/csv",
  "src/platform/workbooks",
  "src/errors.ts",
  "src/platform/console",
  "package-lock.json",
  "tsconfig.json",
];

/** Returns a hash of the sources below `root`. It takes a few milliseconds. */
export function sourceKey(root: string): string {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((source) => filesOf(root, source))) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** Whether a change of this file, a path below `src`, changes the console. */
export function isConsoleSource(file: string): boolean {
  return SOURCES.some((source) => `src/${file}`.startsWith(`${source}/`));
}

function filesOf(root: string, source: string): string[] {
  const path = join(root, source);
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [source];
  const entries = globSync("**/*", { cwd: path, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}
