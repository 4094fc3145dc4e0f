/** Converts and resizes pictures. Call these functions within `withSlot` (semaphore.ts). */
import type { Sharp } from "sharp";
import { FORMATS, type FormatName } from "./formats.ts";
import { type Inspected, type Limits, open, within } from "./inspect.ts";
import { loadSharp } from "./load-sharp.ts";
import { refusalOf } from "./refused.ts";

export const FITS = ["inside", "cover", "contain", "fill"] as const;

export interface Resize {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly fit: (typeof FITS)[number];
  readonly enlarge: boolean;
}

export interface Plan {
  readonly format: FormatName;
  readonly resize: Resize | null;
  /** 1 to 100. */
  readonly quality: number;
  /** The color behind transparent parts and beside a picture that does not fill its area: #rrggbb or #rrggbbaa. */
  readonly background: string;
  readonly keepsMetadata: boolean;
}

export interface EncodedPicture {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
}

/**
 * Encodes the upright picture as planned, in sRGB unless its profile is kept. It stays animated if the format allows it.
 * @throws PictureRefused
 */
export async function transform(
  input: Buffer,
  original: Inspected,
  plan: Plan,
  limits: Limits,
): Promise<EncodedPicture> {
  try {
    const bytes = await encodeAs(input, original, plan, limits).catch((error: unknown) => {
      if (!isHarmless(error)) throw error;
      return encodeAs(input, original, plan, { ...limits, failOn: "error" });
    });
    const sharp = await loadSharp();
    const { width, height } = await sharp(bytes).metadata();
    return { bytes, width, height };
  } catch (error) {
    throw refusalOf(error, limits.maxSeconds);
  }
}

async function encodeAs(
  bytes: Buffer,
  original: Inspected,
  plan: Plan,
  opening: Limits & { failOn?: "error" },
): Promise<Buffer> {
  const { canMove, hasAlpha, encode } = FORMATS[plan.format];
  const image = await open(bytes, { failOn: "warning", ...opening, pages: canMove ? original.pages : 1 });
  if (plan.resize) {
    const { width, height, fit, enlarge } = plan.resize;
    image.resize({ width, height, fit, withoutEnlargement: !enlarge, background: plan.background });
  }
  if (!hasAlpha) image.flatten({ background: plan.background });
  if (plan.keepsMetadata) image.keepExif().keepIccProfile();
  return encode(image, plan.quality).toBuffer();
}

/** Some cameras write extra bytes into a JPEG. The picture is complete, unlike with other warnings of the decoder. */
function isHarmless(error: unknown): boolean {
  return error instanceof Error && /extraneous bytes before marker/.test(error.message);
}

/** The first frame, decoded and scaled down, from which thumbnails and colors are computed. */
export interface Preview {
  readonly pixels: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

export async function previewOf(bytes: Buffer, side: number, limits: Limits): Promise<Preview> {
  try {
    const image = await open(bytes, { ...limits, pages: 1 });
    const { data, info } = await image.resize(within(side)).raw().toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height, channels: info.channels };
  } catch (error) {
    throw refusalOf(error, limits.maxSeconds);
  }
}

export interface Thumbnail {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Returns a WebP of at most `side` x `side` pixels, and never larger than the preview. */
export async function thumbnailOf(preview: Preview, side: number): Promise<Thumbnail> {
  const image = await decoded(preview);
  const { data, info } = await image
    .resize(within(side))
    .webp({ quality: 80, effort: 2 })
    .toBuffer({ resolveWithObject: true });
  return { bytes: data, width: info.width, height: info.height };
}

export interface Colours {
  /** #rrggbb, in steps of 16 per channel. */
  readonly dominant: string;
  readonly areOpaque: boolean;
}

export async function coloursOf(preview: Preview): Promise<Colours> {
  const image = await decoded(preview);
  const { dominant, isOpaque } = await image.stats();
  const channels = [dominant.r, dominant.g, dominant.b];
  const hex = channels.map((value) => value.toString(16).padStart(2, "0")).join("");
  return { dominant: `#${hex}`, areOpaque: isOpaque };
}

async function decoded({ pixels, width, height, channels }: Preview): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(pixels, { raw: { width, height, channels } });
}
