/** Resizes and converts pictures, removes their metadata, and creates thumbnails. */
import { Permanent } from "../../../errors.ts";
import { stemOf } from "../../../files/names.ts";
import type { ReadableFile } from "../../../files/readable-file.ts";
import { FORMATS } from "../../../platform/pictures/formats.ts";
import { type Inspected, inspect, type Limits } from "../../../platform/pictures/inspect.ts";
import { PictureRefused } from "../../../platform/pictures/refused.ts";
import { withSlot } from "../../../platform/pictures/semaphore.ts";
import {
  coloursOf,
  type Preview,
  previewOf,
  thumbnailOf,
  transform,
} from "../../../platform/pictures/transform.ts";
import type { OutputFile, TaskInput, TaskType } from "../task-type.ts";
import { ImageParams, imageParamsFrom } from "./params.ts";
import { planFor } from "./plan.ts";
import { summaryOf } from "./summary.ts";

/** Per decoding of a picture, of which there are two. The slowest valid pictures, PNGs of 50 million pixels, took 40 s. */
const MAX_SECONDS = 240;
/** Colours are detected in a small preview. */
const PREVIEW_SIDE = 320;

type Input = TaskInput<typeof ImageParams, "required">;

export const imageType: TaskType<typeof ImageParams, "required"> = {
  name: "image",
  description:
    "Resizes and converts a picture (JPEG, PNG, WebP, AVIF or GIF, detected from the content), removes its metadata and creates thumbnails.",
  queue: "file_processing",
  params: ImageParams,
  file: "required",
  limits: { timeoutSeconds: 900, maxFileBytes: 50 * 2 ** 20 },
  paramsFrom: imageParamsFrom,

  async run(ctx, input) {
    const { file, signal } = input;
    const limits = { maxPixels: ctx.config.pictureMaxPixels, maxSeconds: MAX_SECONDS };
    try {
      // At most two pictures at a time, which together take 36 bytes times PICTURE_MAX_PIXELS (1.8 GB) plus the files.
      return await withSlot(() => processPicture(input, limits), signal);
    } catch (error) {
      if (!(error instanceof PictureRefused)) throw error;
      throw new Permanent(error.code, `${file.name} ${error.message}`, { cause: error });
    }
  },
};

async function processPicture(input: Input, limits: Limits) {
  const { file, params, signal, progress, store } = input;
  const step = (percent: number, message: string) => {
    signal.throwIfAborted();
    progress(percent, message);
  };

  step(5, `Reading ${file.name}`);
  const bytes = await readAll(file, signal);
  const original = await inspect(bytes, limits);
  const plan = planFor(original, params, limits.maxPixels);
  const { title, mediaType, extension } = FORMATS[plan.format];

  step(15, `Converting ${original.width} x ${original.height} pixels to ${title}`);
  const picture = await transform(bytes, original, plan, limits);

  step(65, "Detecting colours");
  const sizes = params.thumbnails ?? [];
  const preview = await previewOf(picture.bytes, Math.max(PREVIEW_SIDE, ...sizes), limits);
  const colours = await coloursOf(preview);

  step(75, "Storing the picture");
  const stem = stemOf(file.name, "picture");
  const stored = await store(picture.bytes, { name: `${stem}.${extension}`, mediaType });
  const thumbnails = await storeThumbnails(input, preview, stem);

  return {
    message: summaryOf(file.name, { ...original, bytes: bytes.length }, { ...picture, format: plan.format }),
    format: plan.format,
    width: picture.width,
    height: picture.height,
    original: viewOf(original, bytes),
    bytes_before: bytes.length,
    bytes_after: picture.bytes.length,
    dominant_colour: colours.dominant,
    has_alpha: !colours.areOpaque,
    file: stored,
    thumbnails,
  };
}

async function storeThumbnails({ params, signal, progress, store }: Input, preview: Preview, stem: string) {
  const thumbnails: { size: number; width: number; height: number; file: OutputFile }[] = [];
  for (const size of params.thumbnails ?? []) {
    signal.throwIfAborted();
    const { bytes, width, height } = await thumbnailOf(preview, size);
    const file = await store(bytes, { name: `${stem}-${size}.webp`, mediaType: "image/webp" });
    thumbnails.push({ size, width, height, file });
    progress(
      80 + (20 * thumbnails.length) / (params.thumbnails?.length ?? 1),
      `Created the thumbnail of ${size} pixels`,
    );
  }
  return thumbnails;
}

function viewOf({ format, width, height, frames }: Inspected, bytes: Buffer) {
  return { format, width, height, bytes: bytes.length, pages: frames };
}

async function readAll(file: ReadableFile, signal: AbortSignal): Promise<Buffer> {
  const all = Buffer.allocUnsafe(file.bytes);
  let read = 0;
  for await (const chunk of file.chunks()) {
    signal.throwIfAborted();
    read += chunk.copy(all, read);
  }
  if (read < file.bytes) throw new Error(`${file.name} became shorter while it was read.`);
  return all;
}
