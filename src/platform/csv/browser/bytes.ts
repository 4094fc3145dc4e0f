/** Operations on bytes, as in `../bytes.ts`. */

const encoder = new TextEncoder();
/** Arguments of a call are on the stack. */
const PART_BYTES = 8192;

export function isAscii(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

export function toLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PART_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + PART_BYTES));
  return text;
}

export function countBytes(text: string): number {
  return encoder.encode(text).length;
}

export function copyText(slice: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(encoder.encode(slice));
}
