/** Runs a task type on a file in memory, without a task or a database. */
import { Readable } from "node:stream";
import type { TObject } from "typebox";
import { type Config, loadConfig } from "../../src/config/config.ts";
import type { Context } from "../../src/context.ts";
import { Permanent } from "../../src/errors.ts";
import type { ReadableFile } from "../../src/files/readable-file.ts";
import type { TaskInput, TaskResult, TaskType } from "../../src/tasks/types/task-type.ts";

interface Made {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface Tried {
  readonly result: TaskResult & Record<string, unknown>;
  readonly made: Made[];
  readonly steps: { readonly percent: number; readonly message: string }[];
}

const config = loadConfig({ JWT_SECRET: "x".repeat(32), DATABASE_URL: "postgres://unused" });

/** The types under test use nothing of a context but its configuration. */
const contextWith = (own: Partial<Config>) => ({ config: { ...config, ...own } }) as Context;

/** A file in memory that keeps the ranges read from it. */
export function fileOf(
  bytes: Buffer,
  name: string,
  chunkBytes = 2 ** 20,
): ReadableFile & { readonly reads: [number, number][] } {
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
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    },
  };
}

interface TryOptions<P extends TObject> {
  readonly config?: Partial<Config>;
  readonly signal?: AbortSignal;
  readonly store?: TaskInput<P>["store"];
  readonly onStep?: (message: string) => void;
}

/** Runs a type as the engine would. */
export async function tryType<P extends TObject>(
  type: TaskType<P>,
  file: ReadableFile | null,
  params: TaskInput<P>["params"],
  options: TryOptions<P> = {},
): Promise<Tried> {
  const made: Made[] = [];
  const steps: Tried["steps"] = [];
  const store: TaskInput<P>["store"] = async (content, { name, mediaType }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of Readable.from(content, { objectMode: false })) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    made.push({ name, mediaType, bytes });
    return { id: `file-${made.length}`, name, media_type: mediaType, bytes: bytes.length };
  };
  const result = await type.run(contextWith(options.config ?? {}), {
    task: {
      id: "task",
      userId: 1,
      title: "",
      description: "",
      metadata: {},
      result: null,
      dueAt: null,
      run: 1,
      retryCount: 0,
    },
    params,
    file,
    state: null,
    signal: options.signal ?? new AbortController().signal,
    progress(percent, message = "") {
      steps.push({ percent, message });
      options.onStep?.(message);
    },
    store: options.store ?? store,
    async checkpoint() {},
  });
  return { result: JSON.parse(JSON.stringify(result)), made, steps };
}

/** The permanent failure of a run. */
export async function refusalOf(run: Promise<unknown>): Promise<Permanent> {
  const error = await run.then(
    (value) => new Error(`it did not fail: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (error instanceof Permanent) return error;
  throw error;
}
