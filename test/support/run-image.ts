/** Runs the type `image` on bytes, without a task around it. */
import { buffer } from "node:stream/consumers";
import type { Static } from "typebox";
import type { Context } from "../../src/context.ts";
import { Permanent } from "../../src/errors.ts";
import type { ReadableFile } from "../../src/files/readable-file.ts";
import { imageType } from "../../src/tasks/types/image/image.ts";
import type { ImageParams } from "../../src/tasks/types/image/params.ts";

export interface ImageRun {
  readonly result: Readonly<Record<string, unknown>>;
  readonly files: readonly { readonly name: string; readonly mediaType: string; readonly bytes: Buffer }[];
  readonly steps: readonly { readonly percent: number; readonly message: string }[];
}

interface Options {
  readonly params?: Static<typeof ImageParams>;
  readonly name?: string;
  readonly maxPixels?: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (message: string) => void;
}

export async function runImage(
  ctx: Context,
  bytes: Buffer,
  { params = {}, name = "photo.jpg", maxPixels, signal = new AbortController().signal, onStep }: Options = {},
): Promise<ImageRun> {
  const files: ImageRun["files"][number][] = [];
  const steps: ImageRun["steps"][number][] = [];
  const config = { ...ctx.config, pictureMaxPixels: maxPixels ?? ctx.config.pictureMaxPixels };
  const result = await imageType.run(
    { ...ctx, config },
    {
      task: { id: "1", userId: 1, title: "", description: "", metadata: {}, result: null },
      params,
      file: fileOf(bytes, name),
      signal,
      progress(percent, message = "") {
        steps.push({ percent, message });
        onStep?.(message);
      },
      async store(content, { name, mediaType }) {
        const stored = Buffer.isBuffer(content) ? content : await buffer(content);
        files.push({ name, mediaType, bytes: stored });
        return { id: `file-${files.length}`, name, media_type: mediaType, bytes: stored.length };
      },
      async keep() {},
    },
  );
  return { result, files, steps };
}

/** What a run that must fail for good fails with. */
export async function failureOf(run: Promise<unknown>): Promise<Permanent> {
  const error = await run.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(error instanceof Permanent)) throw new Error(`not a failure for good: ${error}`, { cause: error });
  return error;
}

const PIECE_BYTES = 1000;

function fileOf(bytes: Buffer, name: string): ReadableFile {
  return {
    name,
    bytes: bytes.length,
    mediaType: "application/octet-stream",
    read: async (start, end) => bytes.subarray(start, end),
    async *chunks() {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
    },
  };
}
