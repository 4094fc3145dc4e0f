/** Plans the new picture from the header of the old one, before anything is decoded. */
import { Permanent } from "../../../errors.ts";
import { FORMATS } from "../../../platform/pictures/formats.ts";
import type { Inspected } from "../../../platform/pictures/inspect.ts";
import { PictureRefused } from "../../../platform/pictures/refused.ts";
import type { Plan, Resize } from "../../../platform/pictures/transform.ts";
import type { ImageParams } from "./params.ts";

/**
 * @throws PictureRefused `too_many_pixels` if decoding the picture would take too much memory
 * @throws Permanent `invalid_params` if creating the new picture would take too much memory
 */
export function planFor(original: Inspected, params: ImageParams, maxPixels: number): Plan {
  requireDecodable(original, maxPixels);
  const format = params.format ?? original.format;
  const { hasAlpha, qualities } = FORMATS[format];
  const { quality = "high" } = params;
  const plan: Plan = {
    format,
    resize: resizeOf(params.resize),
    quality: typeof quality === "number" ? quality : qualities[quality],
    background: backgroundOf(params.background, hasAlpha),
    keepsMetadata: params.strip_metadata === false,
  };
  requireEncodable(original, plan, maxPixels);
  return plan;
}

function resizeOf(resize: ImageParams["resize"]): Resize | null {
  if (!resize) return null;
  if (Array.isArray(resize)) return { width: resize[0], height: resize[1], fit: "inside", enlarge: false };
  const { width, height, fit = "inside", enlarge = false } = resize;
  return { width, height, fit, enlarge };
}

function backgroundOf(background: string | undefined, hasAlpha: boolean): string {
  const isAbsent = background === undefined || background === "transparent";
  if (hasAlpha) return isAbsent ? "#00000000" : background;
  return isAbsent ? "#ffffff" : background.slice(0, "#rrggbb".length);
}

/**
 * With 50 million pixels, an AVIF takes 1.5 GB to decode and 1.9 GB to encode; other formats take at most 0.9 GB (18 bytes
 * per pixel) for both. `weight` divides the limit for heavier formats, so that no picture takes more than 0.9 GB.
 */
function requireDecodable({ format, width, height, isDeep }: Inspected, maxPixels: number): void {
  const weight = Math.max(FORMATS[format].weight.decode, isDeep ? 2 : 1);
  const most = Math.floor(maxPixels / weight);
  if (width * height <= most) return;
  const kind = `${format === "avif" ? "an" : "a"} ${FORMATS[format].title}${isDeep ? " with more than 8 bits per channel" : ""}`;
  throw new PictureRefused(
    "too_many_pixels",
    `has ${width * height} pixels (${width} x ${height}). The limit for ${kind}, which takes ${weight} times the memory ` +
      `of other pictures, is ${most} (PICTURE_MAX_PIXELS: ${maxPixels}).`,
  );
}

/** Checks both sizes that the picture has in memory: after scaling, and after cropping or padding. */
function requireEncodable(original: Inspected, { format, resize }: Plan, maxPixels: number): void {
  const { title, maxSide, canMove, weight } = FORMATS[format];
  const pages = canMove ? original.pages : 1;
  const { scaled, final } = resize ? sizesOf(original, resize) : { scaled: original, final: original };
  const most = Math.floor(maxPixels / Math.max(1, weight.encode / pages));
  for (const [{ width, height }, allowed] of [
    [scaled, maxPixels],
    [final, most],
  ] as const) {
    if (width * height * pages <= allowed) continue;
    const size = `${width} x ${height}${pages > 1 ? ` x ${pages} frames` : ""}`;
    const message = `needs ${size} pixels. The limit for ${title} is ${allowed} (PICTURE_MAX_PIXELS: ${maxPixels}).`;
    throw new Permanent("invalid_params", `resize: ${message} Choose a smaller size or another format.`);
  }
  if (final.width > maxSide || final.height > maxSide) {
    const message = `the picture has ${final.width} x ${final.height} pixels. The limit for ${title} is ${maxSide} per side.`;
    throw new Permanent("invalid_params", `format: ${message} Use \`resize\` or another format.`);
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** @returns the size after scaling, and the final size after cropping (`cover`) or padding (`contain`) */
export function sizesOf(
  original: Size,
  { width, height, fit, enlarge }: Resize,
): { scaled: Size; final: Size } {
  const most = enlarge ? Number.POSITIVE_INFINITY : 1;
  const across = width === undefined ? null : Math.min(width / original.width, most);
  const down = height === undefined ? null : Math.min(height / original.height, most);
  if (fit === "fill") {
    const final = scaledBy(original, across ?? 1, down ?? 1);
    return { scaled: final, final };
  }
  const ratios = [across, down].filter((ratio) => ratio !== null);
  const ratio = fit === "cover" ? Math.max(...ratios) : Math.min(...ratios);
  const scaled = scaledBy(original, ratio, ratio);
  if (fit === "inside" || width === undefined || height === undefined) return { scaled, final: scaled };
  if (fit === "contain") return { scaled, final: { width, height } };
  return {
    scaled,
    final: { width: Math.min(width, scaled.width), height: Math.min(height, scaled.height) },
  };
}

function scaledBy({ width, height }: Size, across: number, down: number): Size {
  return { width: Math.max(1, Math.round(width * across)), height: Math.max(1, Math.round(height * down)) };
}
