/** Pictures from strangers: what is let in, and what is made of it. The only importer of sharp. */
import pLimit from "p-limit";
import sharp, { type Metadata, type Sharp } from "sharp";
import { isWholeGif } from "./gif.ts";

export interface Picture {
  readonly mediaType: string;
  readonly extension: string;
  readonly bytes: Buffer;
  /** A WebP of at most 320 pixels a side. */
  readonly thumbnail: Buffer;
}

/** Says what is wrong with the picture, to follow its field's name. */
export class PictureRefused extends Error {
  override name = "PictureRefused";
  readonly isTooLarge: boolean;

  constructor(message: string, options: { isTooLarge?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isTooLarge = options.isTooLarge ?? false;
  }
}

/** Longest side of what is kept, in pixels. A larger picture is scaled down: encoding 50 million takes up to 20 s. */
export const MAX_SIDE = 4096;
export const THUMBNAIL_SIDE = 320;
const MAX_FRAMES = 1000;
/** A picture that takes longer than this was made to. The largest honest ones took 22 s here, GIFs of 50 million pixels. */
const MAX_SECONDS = 45;

/** Two at a time: the other two of libuv's threads are for passwords and files, and each may need 200 MB. */
const inTurn = pLimit(2);

/** libvips knows dozens of formats, some with a history (SVG, PDF, TIFF). No file gets to their decoders. */
const DECODERS = [
  "VipsForeignLoadJpegBuffer",
  "VipsForeignLoadPngBuffer",
  "VipsForeignLoadWebpBuffer",
  "VipsForeignLoadNsgifBuffer",
  "VipsForeignLoadHeifBuffer",
];

interface Format {
  readonly mediaType: string;
  readonly extension: string;
  readonly encode: (image: Sharp) => Sharp;
}

/** Efforts are low: the higher ones take 2 to 8 times as long for files a tenth smaller. */
const FORMATS: Readonly<Record<string, Format>> = {
  jpeg: { mediaType: "image/jpeg", extension: "jpg", encode: (image) => image.jpeg({ quality: 85 }) },
  png: { mediaType: "image/png", extension: "png", encode: (image) => image.png() },
  webp: {
    mediaType: "image/webp",
    extension: "webp",
    encode: (image) => image.webp({ quality: 85, effort: 2 }),
  },
  avif: {
    mediaType: "image/avif",
    extension: "avif",
    encode: (image) => image.avif({ quality: 60, effort: 1 }),
  },
  gif: { mediaType: "image/gif", extension: "gif", encode: (image) => image.gif({ effort: 1 }) },
};

export const PICTURE_TYPES = Object.values(FORMATS).map(({ mediaType, extension }) => ({
  mediaType,
  extension,
}));

/** Call once, before the first picture. */
export function preparePictures(): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: DECODERS });
  // One thread a picture, so that two pictures are two threads; and no picture is needed twice.
  sharp.concurrency(1);
  sharp.cache(false);
}

/**
 * Recognises a picture by its content, whatever it is called, and encodes it anew: upright, without metadata, and
 * without anything else that hides in the file. Animations (GIF, WebP) stay animated; their frames' pixels add up.
 * @throws PictureRefused
 */
export function readPicture(bytes: Buffer, maxPixels: number): Promise<Picture> {
  return inTurn(async () => {
    const { format, pages } = await inspect(bytes, maxPixels);
    try {
      const picture = await format.encode(open(bytes, maxPixels, pages).resize(within(MAX_SIDE))).toBuffer();
      const thumbnail = await open(picture, maxPixels, 1)
        .resize(within(THUMBNAIL_SIDE))
        .webp({ quality: 80, effort: 2 })
        .toBuffer();
      return { mediaType: format.mediaType, extension: format.extension, bytes: picture, thumbnail };
    } catch (error) {
      throw refusalOf(error);
    }
  });
}

/** Reads the header alone: a picture of too many pixels is never decoded. */
async function inspect(bytes: Buffer, maxPixels: number): Promise<{ format: Format; pages: number }> {
  const header = await readHeader(bytes);
  // The decoder of AVIF also opens HEIC, which differs in how the pixels are coded.
  const name = header.format === "heif" && header.compression === "av1" ? "avif" : header.format;
  const format = FORMATS[name];
  if (!format) throw new PictureRefused(NOT_A_PICTURE);
  const pages = name === "gif" || name === "webp" ? (header.pages ?? 1) : 1;
  const pixels = header.width * header.height * pages;
  if (pixels > maxPixels) {
    const size = `${header.width} x ${header.height}${pages > 1 ? ` x ${pages} frames` : ""}`;
    const message = `has ${pixels} pixels (${size}); at most ${maxPixels} are allowed (PICTURE_MAX_PIXELS).`;
    throw new PictureRefused(message, { isTooLarge: true });
  }
  if (pages > MAX_FRAMES) {
    throw new PictureRefused(`has ${pages} frames; at most ${MAX_FRAMES} are allowed.`, { isTooLarge: true });
  }
  if (name === "gif" && !isWholeGif(bytes)) throw new PictureRefused(DAMAGED);
  return { format, pages };
}

async function readHeader(bytes: Buffer): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw refusalOf(error);
  }
}

function open(bytes: Buffer, maxPixels: number, pages: number): Sharp {
  return sharp(bytes, { limitInputPixels: maxPixels, failOn: "error", pages })
    .timeout({ seconds: MAX_SECONDS })
    .autoOrient();
}

function within(side: number) {
  return { width: side, height: side, fit: "inside", withoutEnlargement: true } as const;
}

const NOT_A_PICTURE = "is not a JPEG, PNG, WebP, AVIF or GIF. Its content counts, not its name.";
const DAMAGED = "is damaged or cut off; it can't be read to its end.";

/** What sharp says of the bytes it was given; there is nothing else here that it could fail at. */
function refusalOf(cause: unknown): PictureRefused {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (/empty/i.test(said)) return new PictureRefused("is empty: the file has no bytes.", { cause });
  if (/unsupported image format/i.test(said)) return new PictureRefused(NOT_A_PICTURE, { cause });
  if (/timeout/i.test(said)) {
    const message = `takes more than ${MAX_SECONDS} s to read.`;
    return new PictureRefused(message, { isTooLarge: true, cause });
  }
  return new PictureRefused(DAMAGED, { cause });
}
