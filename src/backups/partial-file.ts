/** A file that has its name only when it is complete. */
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Destination, PARTIAL, type Place } from "./destination.ts";

export class PartialFile implements Destination {
  readonly #path: string;
  readonly #folder: string;
  readonly #handle: FileHandle;
  #isKept = false;

  /** Replaces an incomplete file that an earlier attempt left. @throws Error that names the folder */
  static async open(folder: string, name: string): Promise<PartialFile> {
    const path = resolve(join(folder, name));
    return explained(folder, async () => {
      // Backups contain the hashes of passwords: nobody else may read them.
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await rm(path + PARTIAL, { force: true });
      return new PartialFile(folder, path, await open(path + PARTIAL, "wx", 0o600));
    });
  }

  private constructor(folder: string, path: string, handle: FileHandle) {
    this.#folder = folder;
    this.#path = path;
    this.#handle = handle;
  }

  append(bytes: Buffer): Promise<void> {
    return explained(this.#folder, async () => {
      for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
    });
  }

  async *read(): AsyncGenerator<Buffer> {
    await explained(this.#folder, () => this.#handle.sync());
    yield* createReadStream(this.#path + PARTIAL) as AsyncIterable<Buffer>;
  }

  async keep(): Promise<Place> {
    await explained(this.#folder, async () => {
      await rename(this.#path + PARTIAL, this.#path);
      await syncFolder(this.#folder);
    });
    this.#isKept = true;
    return { path: this.#path, fileId: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    if (!this.#isKept) await rm(this.#path + PARTIAL, { force: true });
  }
}

/** The new name is on disk before the backup counts as complete. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

const READ_ONLY =
  "Its file system is read-only or was removed. Set DATA_DIR to a folder that Rowmill may write, or BACKUP_TO=files";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "No space is left on its disk. Free some, or set a smaller BACKUP_KEEP",
  EDQUOT: "Its disk quota is used up",
  EACCES: "Its permissions do not allow it",
  EPERM: "Its permissions do not allow it",
  EROFS: READ_ONLY,
  // `mkdir` says so if a folder above cannot be created.
  ENOENT: READ_ONLY,
  ENOTDIR: "A part of its path is a file",
  EEXIST: "A part of its path is a file",
};

async function explained<T>(folder: string, access: () => Promise<T>): Promise<T> {
  try {
    return await access();
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    const reason = REASONS[String(error.code)] ?? error.message;
    const message = `The backup cannot be written to ${folder}. ${reason}. Earlier backups are unchanged.`;
    throw new Error(message, { cause: error });
  }
}
