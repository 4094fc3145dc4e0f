/** A task's work on its file, in a thread: the file goes in piece by piece, what is made comes out the same way. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { TObject } from "typebox";
import { Permanent } from "../../errors.ts";
import type { ReadableFile } from "../../files/readable-file.ts";
import {
  runThread,
  ThreadEnded,
  type ThreadLimits,
  ThrownInThread,
} from "../../platform/threads/run-thread.ts";
import type { MadeFile, TaskInput } from "./task-type.ts";

/** What a thread may ask for. */
export type FileHost = {
  /** Of the file, from `start` up to and without `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Appends to the file that the task makes, which exists from the first time on; waits where storing it is behind. */
  write(bytes: Uint8Array, to: NewFile): Promise<void>;
};

interface NewFile {
  readonly name: string;
  readonly mediaType: string;
}

export interface FileWork {
  readonly file: ReadableFile;
  readonly script: URL;
  readonly data: unknown;
  readonly limits: ThreadLimits;
}

export interface FileWorkDone<R> {
  readonly result: R;
  /** null where it has written nothing. */
  readonly made: MadeFile | null;
}

/**
 * The file that a thread is to read, with something in it.
 * @param what is needed, in words for people
 * @throws Permanent `file_required`, `empty_file`
 */
export function fileFor({ file }: Pick<TaskInput<TObject>, "file">, what: string): ReadableFile {
  if (!file) throw new Permanent("file_required", `${what} is needed: give \`file_id\` or \`file_path\`.`);
  if (file.bytes === 0) throw new Permanent("empty_file", `"${file.name}" is empty: it has no bytes.`);
  return file;
}

/**
 * Runs a script on a file.
 * @throws Permanent what the script throws so, and `too_complex` where it takes more memory or time than it is given
 */
export async function workInThread<R>(input: TaskInput<TObject>, work: FileWork): Promise<FileWorkDone<R>> {
  const { file } = work;
  const output = new Output(input.store);
  const host: FileHost = {
    // A copy: what is moved is gone here, and a chunk may be wanted by somebody else.
    read: async (start, end) => new Uint8Array(await file.read(start, end)),
    write: (bytes, to) => output.write(bytes, to),
  };
  try {
    const result = await runThread({
      script: work.script,
      data: work.data,
      host,
      signal: input.signal,
      limits: work.limits,
      onProgress: input.progress,
    });
    return { result: result as R, made: await output.end() };
  } catch (error) {
    await output.abandon(error);
    throw failureOf(error, file.name);
  }
}

/** Begun with its first bytes. */
class Output {
  readonly #store: TaskInput<TObject>["store"];
  #stream: PassThrough | null = null;
  #stored: Promise<MadeFile> | null = null;

  constructor(store: TaskInput<TObject>["store"]) {
    this.#store = store;
  }

  async write(bytes: Uint8Array, to: NewFile): Promise<void> {
    if (!this.#stream) {
      // Whatever it fails with, `#stored` fails with, which is waited for below or at the end.
      this.#stream = new PassThrough().on("error", () => {});
      this.#stored = this.#store(this.#stream, to);
      this.#stored.catch(() => {});
    }
    if (this.#stream.write(bytes)) return;
    // Where it can't be stored, nobody reads on.
    await Promise.race([once(this.#stream, "drain"), this.#stored]);
  }

  async end(): Promise<MadeFile | null> {
    this.#stream?.end();
    return this.#stored;
  }

  /** Ends what stores it, and waits for that; why it failed is known already. */
  async abandon(error: unknown): Promise<void> {
    this.#stream?.destroy(error instanceof Error ? error : new Error(String(error)));
    await this.#stored?.catch(() => {});
  }
}

function failureOf(error: unknown, name: string): unknown {
  if (error instanceof ThrownInThread && error.thrown === "Permanent" && error.code) {
    return new Permanent(error.code, error.message, { cause: error });
  }
  if (error instanceof ThreadEnded && error.why !== "crashed") {
    const message = `"${name}" can't be worked on within the limits of a task: ${error.message}.`;
    return new Permanent("too_complex", message, { cause: error });
  }
  return error;
}
