/** Checks that a GIF is complete, which libvips does not: it decodes the frames that a truncated file still has. */
import { setImmediate as letOthers } from "node:timers/promises";

const HEADER_BYTES = 13;
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;

/** About two milliseconds. 50 MB of the smallest blocks take 50 million steps. */
const STEPS_AT_A_TIME = 2 ** 18;

/** Reads the blocks of a GIF up to its trailer, and ignores what follows. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
export async function isWholeGif(bytes: Buffer): Promise<boolean> {
  let at = HEADER_BYTES + colorTableBytes(bytes[10]);
  let isAtSubBlock = false;
  for (let step = 1; ; step++) {
    if (step % STEPS_AT_A_TIME === 0) await letOthers();
    const byte = bytes[at];
    if (byte === undefined) return false;
    if (isAtSubBlock) {
      // The length of the sub-block; 0 ends the block.
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
