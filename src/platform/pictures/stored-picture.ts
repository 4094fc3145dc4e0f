/** A picture that is kept to be shown: what is made of what a stranger sends. */
import { FORMATS } from "./formats.ts";
import { inspect, open, within } from "./inspect.ts";
import { refusalOf } from "./refused.ts";
import { withSlot } from "./semaphore.ts";

export interface Picture {
  readonly mediaType: string;
  readonly extension: string;
  readonly bytes: Buffer;
  /** A WebP of at most 320 pixels a side. */
  readonly thumbnail: Buffer;
}

/** Longest side of what is kept, in pixels. A larger picture is scaled down: encoding 50 million takes up to 20 s. */
export const MAX_SIDE = 4096;
const THUMBNAIL_SIDE = 320;
/** A picture that takes longer than this was made to. The largest honest ones took 22 s here, GIFs of 50 million pixels. */
const MAX_SECONDS = 45;

/**
 * Recognises a picture by its content, whatever it is called, and encodes it anew: upright, without metadata, and
 * without anything else that hides in the file. Animations (GIF, WebP) stay animated; their frames' pixels add up.
 * @throws PictureRefused
 */
export function readPicture(bytes: Buffer, maxPixels: number): Promise<Picture> {
  return withSlot(async () => {
    const limits = { maxPixels, maxSeconds: MAX_SECONDS };
    const { format: name, pages } = await inspect(bytes, limits);
    const { mediaType, extension, encode, qualities } = FORMATS[name];
    try {
      const whole = open(bytes, { ...limits, pages }).resize(within(MAX_SIDE));
      const picture = await encode(whole, qualities.high).toBuffer();
      const thumbnail = await open(picture, { ...limits, pages: 1 })
        .resize(within(THUMBNAIL_SIDE))
        .webp({ quality: 80, effort: 2 })
        .toBuffer();
      return { mediaType, extension, bytes: picture, thumbnail };
    } catch (error) {
      throw refusalOf(error, MAX_SECONDS);
    }
  });
}
