/** What no decoder here tells: whether a GIF is all there. libvips shows the frames that are left of one cut off. */
import { setImmediate as letOthers } from "node:timers/promises";

const HEADER_BYTES = 13;
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;

/** A millisecond or two: 50 MB of the smallest blocks are 50 million steps. */
const STEPS_AT_A_TIME = 2 ** 18;

/** Walks the blocks of a GIF up to its trailer; what follows that does not count. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
export async function isWholeGif(bytes: Buffer): Promise<boolean> {
  let at = HEADER_BYTES + colorTableBytes(bytes[10]);
  let isAtSubBlock = false;
  for (let step = 1; ; step++) {
    if (step % STEPS_AT_A_TIME === 0) await letOthers();
    const byte = bytes[at];
    if (byte === undefined) return false;
    if (isAtSubBlock) {
      // Its length; the last one has none.
      at += byte + 1;
      isAtSubBlock = byte > 0;
    } else if (byte === TRAILER) {
      return true;
    } else if (byte === EXTENSION) {
      at += 2;
      isAtSubBlock = true;
    } else if (byte === IMAGE) {
      at += 11 + colorTableBytes(bytes[at + 9]);
      isAtSubBlock = true;
    } else {
      return false;
    }
  }
}

function colorTableBytes(flags = 0): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}
