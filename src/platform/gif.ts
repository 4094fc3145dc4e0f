/** What no decoder here tells: whether a GIF is all there. libvips shows the frames that are left of one cut off. */

const HEADER_BYTES = 13;
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;

/** Walks the blocks of a GIF up to its trailer; what follows that does not count. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
export function isWholeGif(bytes: Buffer): boolean {
  let at = HEADER_BYTES + colorTableBytes(bytes[10]);
  for (;;) {
    const block = bytes[at];
    if (block === TRAILER) return true;
    if (block === EXTENSION) at = afterSubBlocks(bytes, at + 2);
    else if (block === IMAGE) at = afterSubBlocks(bytes, at + 11 + colorTableBytes(bytes[at + 9]));
    else return false;
  }
}

function colorTableBytes(flags = 0): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Past the end of `bytes` where they end before the sub-blocks do. */
function afterSubBlocks(bytes: Buffer, start: number): number {
  let at = start;
  for (let length = bytes[at]; length; length = bytes[at]) at += length + 1;
  return at + 1;
}
