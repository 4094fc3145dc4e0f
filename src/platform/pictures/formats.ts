/** The picture formats that Rowmill reads and writes, and their settings. */
import type { Sharp } from "sharp";

export const FORMAT_NAMES = ["jpeg", "png", "webp", "avif", "gif"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

export const QUALITY_NAMES = ["low", "medium", "high"] as const;
type QualityName = (typeof QUALITY_NAMES)[number];

export interface Format {
  readonly mediaType: string;
  readonly extension: string;
  /** The name for people. */
  readonly title: string;
  readonly canMove: boolean;
  readonly hasAlpha: boolean;
  /** The longest side in pixels that the format or its encoder supports. */
  readonly maxSide: number;
  /** Memory per pixel to decode and to encode, relative to JPEG. */
  readonly weight: { readonly decode: number; readonly encode: number };
  readonly qualities: Readonly<Record<QualityName, number>>;
  readonly encode: (image: Sharp, quality: number) => Sharp;
}

/**
 * Efforts are low, because higher ones take 2 to 8 times as long for files that are a tenth smaller. PNG is lossless at
 * 100; below, it has a palette, like every GIF.
 */
export const FORMATS: Readonly<Record<FormatName, Format>> = {
  jpeg: {
    mediaType: "image/jpeg",
    extension: "jpg",
    title: "JPEG",
    canMove: false,
    hasAlpha: false,
    maxSide: 65_500,
    weight: { decode: 1, encode: 1 },
    qualities: { low: 50, medium: 70, high: 85 },
    encode: (image, quality) => image.jpeg({ quality }),
  },
  png: {
    mediaType: "image/png",
    extension: "png",
    title: "PNG",
    canMove: false,
    hasAlpha: true,
    maxSide: 100_000,
    weight: { decode: 1, encode: 1 },
    qualities: { low: 40, medium: 75, high: 100 },
    encode: (image, quality) =>
      image.png(quality === 100 ? {} : { palette: true, ...paletteAt(quality), effort: 1 }),
  },
  webp: {
    mediaType: "image/webp",
    extension: "webp",
    title: "WebP",
    canMove: true,
    hasAlpha: true,
    maxSide: 16_383,
    weight: { decode: 1, encode: 1 },
    qualities: { low: 50, medium: 70, high: 85 },
    encode: (image, quality) => image.webp({ quality, effort: 2 }),
  },
  avif: {
    mediaType: "image/avif",
    extension: "avif",
    title: "AVIF",
    canMove: false,
    hasAlpha: true,
    maxSide: 16_384,
    weight: { decode: 4, encode: 4 },
    qualities: { low: 35, medium: 50, high: 60 },
    encode: (image, quality) => image.avif({ quality, effort: 1 }),
  },
  gif: {
    mediaType: "image/gif",
    extension: "gif",
    title: "GIF",
    canMove: true,
    hasAlpha: true,
    maxSide: 65_535,
    weight: { decode: 1, encode: 2 },
    qualities: { low: 40, medium: 75, high: 100 },
    encode: (image, quality) => image.gif({ ...paletteAt(quality), effort: 1 }),
  },
};

export const PICTURE_TYPES = Object.values(FORMATS).map(({ mediaType, extension }) => ({
  mediaType,
  extension,
}));

/** Palettes of libvips have 1, 2, 4 or 8 bits. */
function paletteAt(quality: number): { colours: number; dither: number } {
  const colours = quality < 10 ? 2 : quality < 25 ? 4 : quality < 50 ? 16 : 256;
  return { colours, dither: quality / 100 };
}
