/** Names and paths of files. The name is for people; tasks refer to a file by its path (`file_path`). */
import { extname, parse } from "node:path";

const MAX_NAME = 255;
const MAX_EXTENSION = 20;
const MAX_STEM = 200;
export const MAX_PATH = 1000;

const CONTROL = /\p{Cc}/u;
/**
 * Characters that nobody sees, such as zero-width blanks, and those that change the direction of the text: with U+202E,
 * `report\u202Efdp.exe` is shown as `reportexe.pdf`.
 */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2028\u2029]/u;
const ALL_INVISIBLE = new RegExp(INVISIBLE, "gu");

/** @param filename as the client sent it, possibly with folders, separated by `/` or `\`, and with invisible characters */
export function nameOf(filename: string): string {
  const last = filename.split(/[/\\]/).at(-1) ?? "";
  const name = withoutInvisible(last)
    .replaceAll(/\p{Cc}/gu, "\uFFFD")
    .toWellFormed()
    .trim();
  if (["", ".", ".."].includes(name)) return "file";
  if (name.length <= MAX_NAME) return name;
  const extension = extname(name).slice(0, MAX_EXTENSION);
  return (name.slice(0, MAX_NAME - extension.length) + extension).toWellFormed();
}

/** Also for the names of files that were stored before Rowmill cleaned them. */
export function withoutInvisible(name: string): string {
  return name.replace(ALL_INVISIBLE, "");
}

/** @returns the problem with a path, for an error message; null if it is valid */
export function pathProblem(path: string): string | null {
  if (path === "" || path.length > MAX_PATH) return `must have 1 to ${MAX_PATH} characters.`;
  if (CONTROL.test(path) || !path.isWellFormed())
    return "must not contain control characters or broken Unicode.";
  if (INVISIBLE.test(path))
    return "must not contain characters that are invisible or change the direction of text.";
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
