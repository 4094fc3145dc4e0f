/** Decodes a stream of bytes, and guesses its encoding from the first bytes that are not ASCII. */
import { isAscii } from "node:buffer";
import { invalidField } from "../../errors.ts";

export const ENCODINGS = ["utf-8", "utf-16le", "utf-16be", "windows-1252"] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface Decoded {
  /** "utf-8" while all bytes were ASCII. */
  encoding: Encoding;
  /** Whether the file begins with a byte order mark, which is not a part of the text. */
  bom: boolean;
  /** Whether the text has had U+FFFD so far. */
  replaced: boolean;
}

const OTHER_FORMATS: readonly (readonly [start: string, name: string])[] = [
  ["PK\x03\x04", "an Excel workbook or a ZIP archive"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"],
  ["\x1f\x8b\x08", "a gzip archive"],
];

/** The size of the block for guesses. They must not depend on how the network splits the file. */
export const BLOCK_BYTES = 65_536;
/** Smaller chunks are joined: a file that arrives byte by byte must not be parsed byte by byte. */
const CHUNK_BYTES = 16_384;

const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/**
 * Yields text; no piece is empty. Updates `decoded` meanwhile.
 * @param known the encoding, if it is known
 */
export async function* decodeText(
  source: AsyncIterable<Uint8Array>,
  decoded: Decoded,
  known: Encoding | undefined,
): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let undecided: Buffer = Buffer.alloc(0);
  let isStart = true;
  for await (let bytes of inChunks(source)) {
    if (isStart) {
      const mark = MARKS.find(([, mark]) => mark.every((byte, at) => bytes[at] === byte));
      const [marked, markBytes] = mark ?? [undefined, []];
      decoded.bom = marked !== undefined && (known ?? marked) === marked;
      if (decoded.bom) bytes = bytes.subarray(markBytes.length);
      decoded.encoding = known ?? marked ?? "utf-8";
      if (known || marked) decoder = decoderFor(decoded.encoding);
      isStart = false;
      refuseOtherFormats(bytes);
    }
    if (!decoder) {
      bytes = undecided.length > 0 ? Buffer.concat([undecided, bytes]) : bytes;
      const plain = asciiLength(bytes);
      if (plain > 0) yield bytes.toString("latin1", 0, plain);
      undecided = bytes.subarray(plain);
      if (undecided.length < BLOCK_BYTES) continue;
      decoded.encoding = guessEncoding(undecided);
      decoder = decoderFor(decoded.encoding);
      bytes = undecided;
      undecided = Buffer.alloc(0);
    }
    const text = decoder.decode(bytes, { stream: true });
    decoded.replaced ||= text.includes("\uFFFD");
    if (text) yield text;
  }
  if (!decoder && undecided.length > 0) {
    decoded.encoding = guessEncoding(undecided);
    decoder = decoderFor(decoded.encoding);
  }
  const end = decoder ? decoder.decode(undecided) : "";
  decoded.replaced ||= end.includes("\uFFFD");
  if (end) yield end;
}

function refuseOtherFormats(bytes: Buffer): void {
  const [, format] =
    OTHER_FORMATS.find(([start]) => bytes.toString("latin1", 0, start.length) === start) ?? [];
  if (format) throw invalidField("file", `is ${format}, not CSV. Save or unpack it as CSV first.`);
}

function decoderFor(encoding: Encoding): InstanceType<typeof TextDecoder> {
  // The mark at the beginning is already removed. A later one is text.
  return new TextDecoder(encoding, { ignoreBOM: true });
}

/** Returns the number of bytes before the first that is not ASCII. */
function asciiLength(bytes: Buffer): number {
  if (isAscii(bytes)) return bytes.length;
  return bytes.findIndex((byte) => byte > 0x7f);
}

/**
 * Returns Windows-1252 if most characters that are not ASCII are invalid in UTF-8.
 * @param bytes begin with a byte that is not ASCII
 */
function guessEncoding(bytes: Buffer): Encoding {
  const block = bytes.subarray(0, BLOCK_BYTES);
  const isReplacement = (character: string) => character === "\uFFFD";
  const beyondAscii = [...new TextDecoder().decode(block, { stream: true })].filter((it) => it > "\x7f");
  // The file itself can have U+FFFD.
  const own = block.toString("latin1").split("\xef\xbf\xbd").length - 1;
  const invalid = beyondAscii.filter(isReplacement).length - own;
  return invalid > beyondAscii.length - invalid ? "windows-1252" : "utf-8";
}

async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let small: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of source) {
    small.push(bytes);
    length += bytes.length;
    if (length < CHUNK_BYTES) continue;
    yield small.length === 1 ? asBuffer(bytes) : Buffer.concat(small);
    small = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(small);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
