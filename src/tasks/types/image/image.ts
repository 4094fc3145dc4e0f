/** Pictures: resized, converted, without what they tell of their owner, with thumbnails. */
import { parse } from "node:path";
import { Permanent } from "../../../errors.ts";
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
import type { MadeFile, TaskInput, TaskType } from "../task-type.ts";
import { ImageParams, imageParamsFrom } from "./params.ts";
import { planFor } from "./plan.ts";
import { whatWasDone } from "./words.ts";

/** Each of the two times that a picture is decoded. The slowest honest ones took 40 s here, PNGs of 256 colours, of 50 million pixels. */
const MAX_SECONDS = 240;
/** Colours are told from a small one. */
const PREVIEW_SIDE = 320;

type Input = TaskInput<typeof ImageParams>;

export const imageType: TaskType<typeof ImageParams> = {
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
    if (!file) throw new Permanent("file_required", "A task of type image needs a file.");
    const limits = { maxPixels: ctx.config.pictureMaxPixels, maxSeconds: MAX_SECONDS };
    try {
      // From its bytes to the last that is made of them, two at a time: so all pictures of a process take no more than
      // 36 bytes times PICTURE_MAX_PIXELS (1.8 GB), and the files themselves.
      return await withSlot(() => processPicture(input, file, limits), signal);
    } catch (error) {
      if (!(error instanceof PictureRefused)) throw error;
      throw new Permanent(error.code, `${file.name} ${error.message}`, { cause: error });
    }
  },
};

async function processPicture(input: Input, file: ReadableFile, limits: Limits) {
  const { params, signal, progress, store } = input;
  const step = (percent: number, message: string) => {
    signal.throwIfAborted();
    progress(percent, message);
  };

  step(5, `Reading ${file.name}`);
  const bytes = await readAll(file, signal);
  const original = await inspect(bytes, limits);
  const plan = planFor(original, params, limits.maxPixels);
  const { title, mediaType, extension } = FORMATS[plan.format];

  step(15, `Making a ${title} of ${original.width} x ${original.height} pixels`);
  const made = await transform(bytes, original, plan, limits);

  step(65, "Looking at its colours");
  const sizes = params.thumbnails ?? [];
  const preview = await previewOf(made.bytes, Math.max(PREVIEW_SIDE, ...sizes), limits);
  const colours = await coloursOf(preview);

  step(75, "Storing it");
  const stem = stemOf(file.name);
  const stored = await store(made.bytes, { name: `${stem}.${extension}`, mediaType });
  const thumbnails = await makeThumbnails(input, preview, stem);

  return {
    message: whatWasDone(file.name, { ...original, bytes: bytes.length }, { ...made, format: plan.format }),
    format: plan.format,
    width: made.width,
    height: made.height,
    original: viewOf(original, bytes),
    bytes_before: bytes.length,
    bytes_after: made.bytes.length,
    dominant_colour: colours.dominant,
    has_alpha: !colours.areOpaque,
    file: stored,
    thumbnails,
  };
}

async function makeThumbnails({ params, signal, progress, store }: Input, preview: Preview, stem: string) {
  const made: { size: number; width: number; height: number; file: MadeFile }[] = [];
  for (const size of params.thumbnails ?? []) {
    signal.throwIfAborted();
    const { bytes, width, height } = await thumbnailOf(preview, size);
    const file = await store(bytes, { name: `${stem}-${size}.webp`, mediaType: "image/webp" });
    made.push({ size, width, height, file });
    progress(
      80 + (20 * made.length) / (params.thumbnails?.length ?? 1),
      `Made the thumbnail of ${size} pixels`,
    );
  }
  return made;
}

function viewOf({ format, width, height, pages }: Inspected, bytes: Buffer) {
  return { format, width, height, bytes: bytes.length, pages };
}

async function readAll(file: ReadableFile, signal: AbortSignal): Promise<Buffer> {
  const all = Buffer.allocUnsafe(file.bytes);
  let read = 0;
  for await (const chunk of file.chunks()) {
    signal.throwIfAborted();
    read += chunk.copy(all, read);
  }
  if (read < file.bytes) throw new Error(`${file.name} has become shorter while it was read`);
  return all;
}

/** Its name without folders and extension, short enough to add to. */
function stemOf(name: string): string {
  return parse(name.replaceAll("\\", "/")).name.slice(0, 200) || "picture";
}
