/** `rowmill/client/node`: files on disk. */
import { openAsBlob } from "node:fs";
import { basename } from "node:path";

/** Opens a file for an upload. It is read while it is sent, and again if it has to be sent again. */
export async function openFile(path: string, filename: string = basename(path)): Promise<File> {
  return new File([await openAsBlob(path)], filename);
}
