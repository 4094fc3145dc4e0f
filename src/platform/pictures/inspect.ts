/** Identifies an untrusted picture by its content, before it is decoded. */
import type { Metadata, Sharp } from "sharp";
import { FORMATS, type FormatName } from "./formats.ts";
import { isWholeGif } from "./gif.ts";
import { loadSharp } from "./load-sharp.ts";
import { framesOfPng } from "./png.ts";
import { PictureRefused, refusalOf, refused } from "./refused.ts";

const MAX_FRAMES = 1000;

export interface Limits {
  readonly maxPixels: number;
  readonly maxSeconds: number;
}

export interface Inspected {
  readonly format: FormatName;
  /** Width and height of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The number of frames that can be decoded; 1 except for animations (GIF, WebP). */
  readonly pages: number;
  /** The number of frames in the file, also in an animated PNG. */
  readonly frames: number;
  readonly hasAlpha: boolean;
  /** Whether a channel has more than 8 bits. */
  readonly isDeep: boolean;
}

/**
 * Reads only the header, so that a picture with too many pixels is never decoded.
 * @throws PictureRefused
 */
export async function inspect(bytes: Buffer, { maxPixels, maxSeconds }: Limits): Promise<Inspected> {
  const header = await readHeader(bytes, maxSeconds);
  const format = formatOf(header);
  if (!format) throw refused("unsupported_format");
  const pages = FORMATS[format].canMove ? (header.pages ?? 1) : 1;
  const pixels = header.width * header.height * pages;
  if (pixels > maxPixels) {
    const size = `${header.width} x ${header.height}${pages > 1 ? ` x ${pages} frames` : ""}`;
    const message = `has ${pixels} pixels (${size}); at most ${maxPixels} are allowed (PICTURE_MAX_PIXELS).`;
    throw new PictureRefused("too_many_pixels", message);
  }
  if (pages > MAX_FRAMES) {
    throw new PictureRefused("too_many_frames", `has ${pages} frames; at most ${MAX_FRAMES} are allowed.`);
  }
  if (format === "gif" && !(await isWholeGif(bytes))) throw refused("damaged");
  const { width, height } = header.autoOrient;
  const frames = format === "png" ? framesOfPng(bytes) : pages;
  return {
    format,
    width,
    height,
    pages,
    frames,
    hasAlpha: header.hasAlpha,
    isDeep: header.depth !== "uchar",
  };
}

async function readHeader(bytes: Buffer, maxSeconds: number): Promise<Metadata> {
  const sharp = await loadSharp();
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw refusalOf(error, maxSeconds);
  }
}

/** The decoder of AVIF also opens HEIC, which has another compression. */
function formatOf({ format, compression }: Metadata): FormatName | null {
  if (format === "heif") return compression === "av1" ? "avif" : null;
  return format in FORMATS ? (format as FormatName) : null;
}

interface Opening extends Limits {
  /** The number of frames to decode, from the first. */
  readonly pages: number;
  /** The problems at which the decoder fails. */
  readonly failOn?: "error" | "warning";
}

export async function open(
  bytes: Buffer,
  { maxPixels, maxSeconds, pages, failOn = "error" }: Opening,
): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(bytes, { limitInputPixels: maxPixels, failOn, pages })
    .timeout({ seconds: maxSeconds })
    .autoOrient();
}

/** For `resize`: limits both sides to `side` pixels, and never enlarges. */
export function within(side: number) {
  return { width: side, height: side, fit: "inside", withoutEnlargement: true } as const;
}
