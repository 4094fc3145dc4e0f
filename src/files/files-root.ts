/** Files below FILES_ROOT, the only local folder that tasks can read. */
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { pathProblem } from "./names.ts";

/** Errors that mean: no file at this path, or no permission to open it. */
const NOT_FOUND = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "ENAMETOOLONG", "ENXIO", "EISDIR"];

export interface FoundBelow {
  /** With all symbolic links resolved. */
  readonly realPath: string;
  readonly bytes: number;
}

/**
 * Finds a regular file by a path that is relative to `root`, or absolute and below it.
 * @returns null if the path does not lead to a regular file, or if a symbolic link leads out of `root`
 */
export async function findBelow(root: string, path: string): Promise<FoundBelow | null> {
  if (pathProblem(path) !== null) return null;
  const absolute = resolve(root, path);
  if (!isBelow(root, absolute)) return null;
  const found = await orNull(async () => {
    const [realRoot, realPath] = await Promise.all([realpath(root), realpath(absolute)]);
    return isBelow(realRoot, realPath) ? { realPath, stats: await stat(realPath) } : null;
  });
  return found?.stats.isFile() ? { realPath: found.realPath, bytes: found.stats.size } : null;
}

/** Opens the file that `findBelow` finds, or returns null. The caller closes it. */
export async function openBelow(root: string, path: string): Promise<FileHandle | null> {
  const found = await findBelow(root, path);
  if (!found) return null;
  // O_NONBLOCK: opening does not hang if the file has been replaced by a pipe.
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

/** Checks the opened file itself: a folder of the path may have been replaced by a link since `findBelow`. */
async function isStillBelow(handle: FileHandle, root: string, path: string): Promise<boolean> {
  const opened = await handle.stat();
  if (!opened.isFile()) return false;
  if (process.platform === "linux")
    return isBelow(await realpath(root), await readlink(`/proc/self/fd/${handle.fd}`));
  // Other systems do not report the path of an open file. Two replacements at the right moments would go unnoticed.
  const again = await findBelow(root, path);
  const named = again && (await orNull(() => stat(again.realPath)));
  return named?.ino === opened.ino && named.dev === opened.dev;
}

function isBelow(root: string, path: string): boolean {
  const rest = relative(root, path);
  return rest !== "" && rest !== ".." && !rest.startsWith(`..${sep}`) && !isAbsolute(rest);
}

async function orNull<T>(access: () => Promise<T>): Promise<T | null> {
  try {
    return await access();
  } catch (error) {
    if (error instanceof Error && "code" in error && NOT_FOUND.includes(String(error.code))) return null;
    throw error;
  }
}
