/** A task's input without the task: a file of given bytes, and what its type makes of it. For types by themselves. */
import { Readable } from "node:stream";
import type { TObject } from "typebox";
import { loadConfig } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { Permanent } from "../../src/errors.ts";
import type { ReadableFile } from "../../src/files/readable-file.ts";
import type { TaskInput, TaskResult, TaskType } from "../../src/tasks/types/task-type.ts";

export interface Made {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface Tried {
  readonly result: TaskResult & Record<string, unknown>;
  readonly made: Made[];
  readonly progress: number[];
  /** Ranges that were read. */
  readonly reads: (readonly [start: number, end: number])[];
}

const config = loadConfig({ JWT_SECRET: "x".repeat(32), DATABASE_URL: "postgres://unused" });

/** The types under test use nothing of a context but its configuration. */
export const configOnly = { config } as Context;

export function fileOf(bytes: Buffer, name: string): ReadableFile & { readonly reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    name,
    bytes: bytes.length,
    mediaType: "application/octet-stream",
    reads,
    read: async (start, end) => {
      if (start < 0 || end > bytes.length || start >= end)
        throw new RangeError(`${start}-${end} of ${bytes.length}`);
      reads.push([start, end]);
      return bytes.subarray(start, end);
    },
    async *chunks() {
      for (let at = 0; at < bytes.length; at += 2 ** 20) yield bytes.subarray(at, at + 2 ** 20);
    },
  };
}

/** Runs a type as the engine would, on a file that is in memory. */
export async function tryType<P extends TObject>(
  type: TaskType<P>,
  file: ReadableFile | null,
  params: TaskInput<P>["params"],
  options: { signal?: AbortSignal; store?: TaskInput<P>["store"] } = {},
): Promise<Omit<Tried, "reads">> {
  const made: Made[] = [];
  const progress: number[] = [];
  const store: TaskInput<P>["store"] = async (content, { name, mediaType }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of Readable.from(content, { objectMode: false })) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    made.push({ name, mediaType, bytes });
    return { id: `file-${made.length}`, name, media_type: mediaType, bytes: bytes.length };
  };
  const result = await type.run(configOnly, {
    task: { id: "task", userId: 1, title: "", description: "", metadata: {}, result: null },
    params,
    file,
    signal: options.signal ?? new AbortController().signal,
    progress: (percent) => progress.push(percent),
    store: options.store ?? store,
    async keep() {},
  });
  return { result: JSON.parse(JSON.stringify(result)), made, progress };
}

/** The code it fails with for good. */
export async function refusalOf(run: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await run.then(
    (value) => new Error(`it did not fail: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (error instanceof Permanent) return { code: error.code, message: error.message };
  throw error;
}
