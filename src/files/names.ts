/** What a file is called: its name, which is for people, and its path, by which its owner names it to a task. */
import { extname } from "node:path";

const MAX_NAME = 255;
const MAX_EXTENSION = 20;
export const MAX_PATH = 1000;

const CONTROL = /\p{Cc}/u;

/** The last part of what a client sent, whatever its system calls a separator. */
export function nameOf(given: string): string {
  const last = given.split(/[/\\]/).at(-1) ?? "";
  const name = last
    .replaceAll(/\p{Cc}/gu, "\uFFFD")
    .toWellFormed()
    .trim();
  if (["", ".", ".."].includes(name)) return "file";
  if (name.length <= MAX_NAME) return name;
  const extension = extname(name).slice(0, MAX_EXTENSION);
  return (name.slice(0, MAX_NAME - extension.length) + extension).toWellFormed();
}

/** @returns what is wrong with a path, null where nothing is */
export function pathProblem(path: string): string | null {
  if (path === "" || path.length > MAX_PATH) return `must have 1 to ${MAX_PATH} characters.`;
  if (CONTROL.test(path) || !path.isWellFormed()) return "has a character that no path may have.";
  if (path.split(/[/\\]/).some((part) => part === "." || part === ".."))
    return "has a part that is `.` or `..`; write it without.";
  if (/[/\\]$/.test(path)) return "names a folder; name a file.";
  return null;
}

/** Where its owner gave it none. */
export function defaultPath(id: string, name: string): string {
  return `/files/${id}/${name}`;
}
