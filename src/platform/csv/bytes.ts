/** Operations on bytes, with the native functions of Node.js. In a browser, `#csv/bytes` is `browser/bytes.ts`. */
import { Buffer } from "node:buffer";

export { isAscii, isUtf8 } from "node:buffer";

export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces);
}

/** Returns one character per byte, with the number of the byte. */
export function toLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Returns the number of bytes of a text in UTF-8. */
export function countBytes(text: string): number {
  return Buffer.byteLength(text);
}

/** A slice of a text keeps the whole text in memory; its copy does not. */
export function copyText(slice: string): string {
  return Buffer.from(slice).toString();
}
