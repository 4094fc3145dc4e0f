/** Processes the file of a task in a thread, which reads it and writes an output file piece by piece. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { TObject } from "typebox";
import { Permanent } from "../../errors.ts";
import {
  runThread,
  ThreadEnded,
  type ThreadLimits,
  ThrownInThread,
} from "../../platform/threads/run-thread.ts";
import type { OutputFile, TaskInput } from "./task-type.ts";

/** The functions that a thread can call. */
export type FileHost = {
  /** Returns the bytes of the file from `start` to `end` (exclusive). */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Appends to the output file; the first call creates it. Waits while storing is slower than writing. */
  write(bytes: Uint8Array, to: NewFile): Promise<void>;
};

interface NewFile {
  readonly name: string;
  readonly mediaType: string;
}

export interface FileWork {
  readonly script: URL;
  readonly data: unknown;
  readonly limits: ThreadLimits;
}

export interface FileWorkDone<R> {
  readonly result: R;
  /** null if the thread has written nothing. */
  readonly output: OutputFile | null;
}

/**
 * Runs a script on the file of a task.
 * @throws Permanent `empty_file`; `too_complex` if the script exceeds its limits; every Permanent that the script throws
 */
export async function workInThread<R>(
  input: TaskInput<TObject, "required">,
  work: FileWork,
): Promise<FileWorkDone<R>> {
  const { file } = input;
  if (file.bytes === 0)
    throw new Permanent("empty_file", `"${file.name}" is empty. Upload a file with content.`);
  const output = new Output(input.store);
  const host: FileHost = {
    // A copy, because sending the bytes to the thread detaches them, and `file` may cache its chunks.
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
    return { result: result as R, output: await output.end() };
  } catch (error) {
    await output.abandon(error);
    throw failureOf(error, file.name);
  }
}

/** The output file, which is created with its first bytes. */
class Output {
  readonly #store: TaskInput<TObject>["store"];
  #stream: PassThrough | null = null;
  #stored: Promise<OutputFile> | null = null;

  constructor(store: TaskInput<TObject>["store"]) {
    this.#store = store;
  }

  async write(bytes: Uint8Array, to: NewFile): Promise<void> {
    if (!this.#stream) {
      // Errors of the stream also reject `#stored`, which is awaited below or in `end`.
      this.#stream = new PassThrough().on("error", () => {});
      this.#stored = this.#store(this.#stream, to);
      this.#stored.catch(() => {});
    }
    if (this.#stream.write(bytes)) return;
    // If storing fails, `drain` never comes.
    await Promise.race([once(this.#stream, "drain"), this.#stored]);
  }

  async end(): Promise<OutputFile | null> {
    this.#stream?.end();
    return this.#stored;
  }

  /** Stops storing the file and waits for that. Its failure is ignored, because `error` came first. */
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
    const message = `"${name}" exceeds the limits of the task: ${error.message}.`;
    return new Permanent("too_complex", message, { cause: error });
  }
  return error;
}
