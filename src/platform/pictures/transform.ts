/** Making one picture into another, and small ones of it. Call all of it within one turn (turns.ts). */
import sharp, { type Sharp } from "sharp";
import { FORMATS, type FormatName } from "./formats.ts";
import { type Inspected, type Limits, open, within } from "./inspect.ts";
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
  /** Behind what is transparent, and beside what does not fill its place: #rrggbb or #rrggbbaa. */
  readonly background: string;
  readonly keepsMetadata: boolean;
}

export interface Made {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
}

/**
 * The picture upright, in sRGB where no profile is kept. It moves on where its new format can.
 * @throws PictureRefused
 */
export async function transform(
  bytes: Buffer,
  original: Inspected,
  plan: Plan,
  limits: Limits,
): Promise<Made> {
  try {
    const made = await encoded(bytes, original, plan, limits).catch((error: unknown) => {
      if (!isHarmless(error)) throw error;
      return encoded(bytes, original, plan, { ...limits, failOn: "error" });
    });
    const { width, height } = await sharp(made).metadata();
    return { bytes: made, width, height };
  } catch (error) {
    throw refusalOf(error, limits.maxSeconds);
  }
}

function encoded(
  bytes: Buffer,
  original: Inspected,
  plan: Plan,
  opening: Limits & { failOn?: "error" },
): Promise<Buffer> {
  const { canMove, hasAlpha, encode } = FORMATS[plan.format];
  const image = open(bytes, { failOn: "warning", ...opening, pages: canMove ? original.pages : 1 });
  if (plan.resize) {
    const { width, height, fit, enlarge } = plan.resize;
    image.resize({ width, height, fit, withoutEnlargement: !enlarge, background: plan.background });
  }
  if (!hasAlpha) image.flatten({ background: plan.background });
  if (plan.keepsMetadata) image.keepExif().keepIccProfile();
  return encode(image, plan.quality).toBuffer();
}

/** Garbage within a JPEG is a mere warning, as are the bytes too many that some cameras write; the picture lacks nothing for those. */
function isHarmless(error: unknown): boolean {
  return error instanceof Error && /extraneous bytes before marker/.test(error.message);
}

/** The first frame of a picture that was made here, small and decoded: what thumbnails and colours are taken from. */
export interface Preview {
  readonly pixels: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

export async function previewOf(made: Buffer, side: number, limits: Limits): Promise<Preview> {
  try {
    const { data, info } = await open(made, { ...limits, pages: 1 })
      .resize(within(side))
      .raw()
      .toBuffer({ resolveWithObject: true });
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

/** A WebP of at most `side` pixels a side; none is larger than the preview. */
export async function thumbnailOf(preview: Preview, side: number): Promise<Thumbnail> {
  const { data, info } = await decoded(preview)
    .resize(within(side))
    .webp({ quality: 80, effort: 2 })
    .toBuffer({ resolveWithObject: true });
  return { bytes: data, width: info.width, height: info.height };
}

export interface Colours {
  /** #rrggbb, in steps of 16 a channel. */
  readonly dominant: string;
  readonly areOpaque: boolean;
}

export async function coloursOf(preview: Preview): Promise<Colours> {
  const { dominant, isOpaque } = await decoded(preview).stats();
  const channels = [dominant.r, dominant.g, dominant.b];
  const hex = channels.map((value) => value.toString(16).padStart(2, "0")).join("");
  return { dominant: `#${hex}`, areOpaque: isOpaque };
}

function decoded({ pixels, width, height, channels }: Preview): Sharp {
  return sharp(pixels, { raw: { width, height, channels } });
}
