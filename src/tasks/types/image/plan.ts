/** What is to be made of a picture: decided from its header, before anything of it is decoded. */

import { Permanent } from "../../../errors.ts";
import { FORMATS } from "../../../platform/pictures/formats.ts";
import type { Inspected } from "../../../platform/pictures/inspect.ts";
import { PictureRefused } from "../../../platform/pictures/refused.ts";
import type { Plan, Resize } from "../../../platform/pictures/transform.ts";
import type { ImageParams } from "./params.ts";

/**
 * @throws PictureRefused where it is too large to be decoded in the memory that one gets
 * @throws Permanent `invalid_params` where what is asked for is too large to be made in it
 */
export function planFor(original: Inspected, params: ImageParams, maxPixels: number): Plan {
  requireLight(original, maxPixels);
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
  requireRoom(original, plan, maxPixels);
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
 * At 50 million pixels an AVIF takes 1.5 GB to decode and 1.9 GB to encode, others 0.9 GB for both at most (18 bytes a
 * pixel). So a picture of a heavier kind may have so many times fewer pixels; then none takes more than those 0.9 GB.
 */
function requireLight({ format, width, height, isDeep }: Inspected, maxPixels: number): void {
  const weight = Math.max(FORMATS[format].weight.decode, isDeep ? 2 : 1);
  const most = Math.floor(maxPixels / weight);
  if (width * height <= most) return;
  const kind = `${format === "avif" ? "an" : "a"} ${FORMATS[format].title}${isDeep ? " of more than 8 bits a channel" : ""}`;
  throw new PictureRefused(
    "too_many_pixels",
    `has ${width * height} pixels (${width} x ${height}); at most ${most} are allowed in ${kind}, which takes ` +
      `${weight} times the memory of others (PICTURE_MAX_PIXELS: ${maxPixels}).`,
  );
}

/** A side of 16383 pixels is short; a strip made as wide is not. */
function requireRoom(original: Inspected, { format, resize }: Plan, maxPixels: number): void {
  const { title, maxSide, canMove, weight } = FORMATS[format];
  const pages = canMove ? original.pages : 1;
  const { scaled, made } = resize ? sizesOf(original, resize) : { scaled: original, made: original };
  const most = Math.floor(maxPixels / Math.max(1, weight.encode / pages));
  for (const [{ width, height }, allowed] of [
    [scaled, maxPixels],
    [made, most],
  ] as const) {
    if (width * height * pages <= allowed) continue;
    const size = `${width} x ${height}${pages > 1 ? ` x ${pages} frames` : ""}`;
    const message = `takes ${size} pixels; at most ${allowed} are allowed for ${title} (PICTURE_MAX_PIXELS: ${maxPixels}).`;
    throw new Permanent("invalid_params", `resize: ${message} Ask for less, or for another format.`);
  }
  if (made.width > maxSide || made.height > maxSide) {
    const message = `${title} has room for ${maxSide} pixels a side, not for ${made.width} x ${made.height}.`;
    throw new Permanent("invalid_params", `format: ${message} Give \`resize\`, or another format.`);
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** As scaled, and as cut or filled up after that; a picture that is turned is whole in memory at either size. */
export function sizesOf(
  original: Size,
  { width, height, fit, enlarge }: Resize,
): { scaled: Size; made: Size } {
  const most = enlarge ? Number.POSITIVE_INFINITY : 1;
  const across = width === undefined ? null : Math.min(width / original.width, most);
  const down = height === undefined ? null : Math.min(height / original.height, most);
  if (fit === "fill") {
    const made = scaledBy(original, across ?? 1, down ?? 1);
    return { scaled: made, made };
  }
  const ratios = [across, down].filter((ratio) => ratio !== null);
  const ratio = fit === "cover" ? Math.max(...ratios) : Math.min(...ratios);
  const scaled = scaledBy(original, ratio, ratio);
  if (fit === "inside" || width === undefined || height === undefined) return { scaled, made: scaled };
  if (fit === "contain") return { scaled, made: { width, height } };
  return {
    scaled,
    made: { width: Math.min(width, scaled.width), height: Math.min(height, scaled.height) },
  };
}

function scaledBy({ width, height }: Size, across: number, down: number): Size {
  return { width: Math.max(1, Math.round(width * across)), height: Math.max(1, Math.round(height * down)) };
}
