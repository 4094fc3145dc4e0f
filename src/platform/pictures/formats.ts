/** The formats that are let in and made, and how well. This folder is the only importer of sharp. */
import sharp, { type Sharp } from "sharp";

export const FORMAT_NAMES = ["jpeg", "png", "webp", "avif", "gif"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

export const QUALITY_NAMES = ["low", "medium", "high"] as const;
export type QualityName = (typeof QUALITY_NAMES)[number];

export interface Format {
  readonly mediaType: string;
  readonly extension: string;
  /** As people write it. */
  readonly title: string;
  readonly canMove: boolean;
  readonly hasAlpha: boolean;
  /** Longest side that the format, or its encoder, can do. */
  readonly maxSide: number;
  readonly qualities: Readonly<Record<QualityName, number>>;
  readonly encode: (image: Sharp, quality: number) => Sharp;
}

/**
 * Efforts are low: the higher ones take 2 to 8 times as long for files a tenth smaller. PNG and GIF lose no detail at
 * 100; below that they get fewer colours.
 */
export const FORMATS: Readonly<Record<FormatName, Format>> = {
  jpeg: {
    mediaType: "image/jpeg",
    extension: "jpg",
    title: "JPEG",
    canMove: false,
    hasAlpha: false,
    maxSide: 65_500,
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
    qualities: { low: 25, medium: 75, high: 100 },
    encode: (image, quality) =>
      image.png(quality === 100 ? {} : { palette: true, colours: coloursAt(quality), effort: 1 }),
  },
  webp: {
    mediaType: "image/webp",
    extension: "webp",
    title: "WebP",
    canMove: true,
    hasAlpha: true,
    maxSide: 16_383,
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
    qualities: { low: 25, medium: 50, high: 100 },
    encode: (image, quality) => image.gif({ colours: coloursAt(quality), effort: 1 }),
  },
};

export const PICTURE_TYPES = Object.values(FORMATS).map(({ mediaType, extension }) => ({
  mediaType,
  extension,
}));

function coloursAt(quality: number): number {
  return Math.max(2, Math.round((256 * quality) / 100));
}

/** libvips knows dozens of formats, some with a history (SVG, PDF, TIFF). No file gets to their decoders. */
const DECODERS = [
  "VipsForeignLoadJpegBuffer",
  "VipsForeignLoadPngBuffer",
  "VipsForeignLoadWebpBuffer",
  "VipsForeignLoadNsgifBuffer",
  "VipsForeignLoadHeifBuffer",
];

/** Call once, before the first picture. */
export function preparePictures(): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: DECODERS });
  // One thread a picture, so that two pictures are two threads; and no picture is needed twice.
  sharp.concurrency(1);
  sharp.cache(false);
}
