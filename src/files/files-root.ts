/** Files below FILES_ROOT: the only ones of this machine that a task may name. */
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { pathProblem } from "./names.ts";

/** What one gets for a path that leads nowhere, or where one may not go. */
const NOWHERE = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "ENAMETOOLONG", "ENXIO", "EISDIR"];

export interface FoundBelow {
  /** Without a symbolic link in it. */
  readonly realPath: string;
  readonly bytes: number;
}

/**
 * Finds a regular file by a path that is relative to `root`, or absolute and below it.
 * @returns null for anything else, wherever a symbolic link on the way leads; nothing outside of `root` is looked at
 * but where such a link leads there
 */
export async function findBelow(root: string, path: string): Promise<FoundBelow | null> {
  if (pathProblem(path) !== null) return null;
  const wanted = resolve(root, path);
  if (!isBelow(root, wanted)) return null;
  const found = await orNull(async () => {
    const [realRoot, realPath] = await Promise.all([realpath(root), realpath(wanted)]);
    return isBelow(realRoot, realPath) ? { realPath, stats: await stat(realPath) } : null;
  });
  return found?.stats.isFile() ? { realPath: found.realPath, bytes: found.stats.size } : null;
}

/** Opens what `findBelow` finds; null where it finds nothing. The caller closes it. */
export async function openBelow(root: string, path: string): Promise<FileHandle | null> {
  const found = await findBelow(root, path);
  if (!found) return null;
  // Never waits for the other end, should it be a pipe by now.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await orNull(() => open(found.realPath, flags));
  if (!handle) return null;
  try {
    if (await isStillBelow(handle, root, path)) return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return null;
}

/** A folder on the way may have been exchanged for a link between the look and the opening: what counts is what was opened. */
async function isStillBelow(handle: FileHandle, root: string, path: string): Promise<boolean> {
  const opened = await handle.stat();
  if (!opened.isFile()) return false;
  if (process.platform === "linux")
    return isBelow(await realpath(root), await readlink(`/proc/self/fd/${handle.fd}`));
  // Elsewhere nothing tells where an open file lies; two exchanges at the right moments would go unnoticed.
  const again = await findBelow(root, path);
  const named = again && (await orNull(() => stat(again.realPath)));
  return named?.ino === opened.ino && named.dev === opened.dev;
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function orNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Error && "code" in error && NOWHERE.includes(String(error.code))) return null;
    throw error;
  }
}
