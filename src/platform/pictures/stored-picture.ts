/** Turns an untrusted picture into one that is safe to store and to show. */
import { FORMATS } from "./formats.ts";
import { inspect, open, within } from "./inspect.ts";
import { refusalOf } from "./refused.ts";
import { withSlot } from "./semaphore.ts";

export interface Picture {
  readonly mediaType: string;
  readonly extension: string;
  readonly bytes: Buffer;
  /** A WebP of at most 320 x 320 pixels. */
  readonly thumbnail: Buffer;
}

/** The longest side in pixels. Larger pictures are scaled down, because encoding 50 million pixels takes up to 20 s. */
export const MAX_SIDE = 4096;
const THUMBNAIL_SIDE = 320;
/** Only malicious pictures take longer. The slowest harmless ones, GIFs of 50 million pixels, took 22 s (measured). */
const MAX_SECONDS = 45;

/**
 * Identifies a picture by its content and encodes it again: upright, without metadata, and without anything else that may
 * hide in the file. Animations (GIF, WebP) stay animated.
 * @param maxPixels the limit for the pixels of all frames together
 * @throws PictureRefused
 */
export function readPicture(bytes: Buffer, maxPixels: number): Promise<Picture> {
  return withSlot(async () => {
    const limits = { maxPixels, maxSeconds: MAX_SECONDS };
    const { format: name, pages } = await inspect(bytes, limits);
    const { mediaType, extension, encode, qualities } = FORMATS[name];
    try {
      const whole = await open(bytes, { ...limits, pages });
      const picture = await encode(whole.resize(within(MAX_SIDE)), qualities.high).toBuffer();
      const first = await open(picture, { ...limits, pages: 1 });
      const thumbnail = await first
        .resize(within(THUMBNAIL_SIDE))
        .webp({ quality: 80, effort: 2 })
        .toBuffer();
      return { mediaType, extension, bytes: picture, thumbnail };
    } catch (error) {
      throw refusalOf(error, MAX_SECONDS);
    }
  });
}
