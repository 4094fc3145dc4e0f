/** `rowmill/client/node`: files on disk. */
import { constants, openAsBlob } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename } from "node:path";

/**
 * Opens a file for an upload. It is read while it is sent, and again if it has to be sent again.
 * @throws if it is not a file, or cannot be read
 */
export async function openFile(path: string, filename: string = basename(path)): Promise<File> {
  // `openAsBlob` does not say what is wrong, and opens pipes and folders as empty files.
  await access(path, constants.R_OK);
  if (!(await stat(path)).isFile()) throw new Error(`${path} is not a file.`);
  return new File([await openAsBlob(path)], filename);
}
