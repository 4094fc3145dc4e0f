/** Counts the frames of an animated PNG, of which libvips reads only the first. */

const SIGNATURE_BYTES = 8;
/** Length, type and checksum. */
const CHUNK_BYTES = 12;

/** Returns the number of frames in the chunk `acTL`, which precedes the picture; 1 if the file has no such chunk. */
export function framesOfPng(bytes: Buffer): number {
  for (let at = SIGNATURE_BYTES; at + CHUNK_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IDAT") return 1;
    if (type === "acTL" && at + CHUNK_BYTES < bytes.length) return Math.max(1, bytes.readUInt32BE(at + 8));
    at += CHUNK_BYTES + length;
  }
  return 1;
}
