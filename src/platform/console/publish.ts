/** Puts a finished build in the place of an older one, while APIs serve it. */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** Pages that are open may still load files of an older build. */
const KEPT_MS = 3_600_000;

/**
 * Each file appears whole. The page comes last: it names the others, whose names contain a hash of their content.
 * @param mark the end of the page
 */
export async function publish(draft: string, folder: string, mark: string): Promise<void> {
  const page = await readFile(join(draft, "index.html"), "utf8");
  const files = (await filesOf(draft)).filter((file) => file !== "index.html");
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await rename(join(draft, file), join(folder, file));
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(draft, "index.html"), page.trimEnd() + mark);
  await rename(join(draft, "index.html"), join(folder, "index.html"));
  await removeOld(folder, new Set(files));
}

async function removeOld(folder: string, current: ReadonlySet<string>): Promise<void> {
  for (const file of await filesOf(folder)) {
    if (!file.startsWith("assets/") || current.has(file)) continue;
    const path = join(folder, file);
    // Another program may have removed it.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > KEPT_MS) await rm(path, { force: true });
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
