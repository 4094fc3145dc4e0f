/** Names and paths of files. The name is for people; tasks refer to a file by its path (`file_path`). */
import { extname, parse } from "node:path";

const MAX_NAME = 255;
const MAX_EXTENSION = 20;
const MAX_STEM = 200;
export const MAX_PATH = 1000;

const CONTROL = /\p{Cc}/u;

/** @param filename as the client sent it, possibly with folders, separated by `/` or `\` */
export function nameOf(filename: string): string {
  const last = filename.split(/[/\\]/).at(-1) ?? "";
  const name = last
    .replaceAll(/\p{Cc}/gu, "\uFFFD")
    .toWellFormed()
    .trim();
  if (["", ".", ".."].includes(name)) return "file";
  if (name.length <= MAX_NAME) return name;
  const extension = extname(name).slice(0, MAX_EXTENSION);
  return (name.slice(0, MAX_NAME - extension.length) + extension).toWellFormed();
}

/** @returns the problem with a path, for an error message; null if it is valid */
export function pathProblem(path: string): string | null {
  if (path === "" || path.length > MAX_PATH) return `must have 1 to ${MAX_PATH} characters.`;
  if (CONTROL.test(path) || !path.isWellFormed())
    return "must not contain control characters or broken Unicode.";
  if (path.split(/[/\\]/).some((part) => part === "." || part === ".."))
    return "must not have `.` or `..` as a part.";
  if (/[/\\]$/.test(path)) return "must name a file, not a folder.";
  return null;
}

/** @returns the name without folders and extension, short enough to append to; `fallback` if nothing is left */
export function stemOf(name: string, fallback: string): string {
  return parse(name.replaceAll("\\", "/")).name.slice(0, MAX_STEM) || fallback;
}

/** The path of a file whose owner did not choose one. */
export function defaultPath(id: string, name: string): string {
  return `/files/${id}/${name}`;
}
