/** Decodes a stream of bytes, and guesses its encoding from the first bytes that are not ASCII. */
import { isAscii, joinBytes, toLatin1 } from "#csv/bytes";
import { invalidField } from "../../errors.ts";
import { wideEncodingOf } from "./encodings.ts";
import { type Guess, guessEncoding } from "./guess-encoding.ts";
import { refuseOtherFormats } from "./other-formats.ts";

export interface Decoded {
  /** "utf-8" while all bytes were ASCII. */
  encoding: string;
  /** From 0 to 1. 1: the encoding was given, or the bytes prove it. */
  confidence: number;
  /** Whether the file begins with a byte order mark, which is not a part of the text. */
  bom: boolean;
  /** Whether the text has had U+FFFD so far. */
  replaced: boolean;
}

export function newDecoded(): Decoded {
  return { encoding: "utf-8", confidence: 1, bom: false, replaced: false };
}

/** Mostly valid UTF-8 is no guess. Its invalid characters are counted as replaced. */
export function isGuess({ encoding, confidence }: Decoded): boolean {
  return confidence < 1 && encoding !== "utf-8";
}

/** The size of the block for guesses. They must not depend on how the network splits the file. */
export const BLOCK_BYTES = 65_536;
/** Smaller chunks are joined: a file that arrives byte by byte must not be parsed byte by byte. */
const CHUNK_BYTES = 16_384;

const MARKS: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-32", [0xff, 0xfe, 0, 0]],
  ["utf-32", [0, 0, 0xfe, 0xff]],
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
  known: string | undefined,
): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let undecided: Uint8Array = new Uint8Array();
  let isStart = true;
  for await (let bytes of inChunks(source)) {
    if (isStart) {
      const { encoding, markBytes } = await beginningOf(bytes.subarray(0, CHUNK_BYTES), known);
      decoded.bom = markBytes > 0;
      bytes = bytes.subarray(markBytes);
      if (encoding !== undefined) {
        decoded.encoding = encoding;
        decoder = decoderFor(encoding);
      }
      isStart = false;
    }
    if (!decoder) {
      bytes = undecided.length > 0 ? joinBytes([undecided, bytes]) : bytes;
      const plain = asciiLength(bytes);
      if (plain > 0) yield toLatin1(bytes.subarray(0, plain));
      undecided = bytes.subarray(plain);
      if (undecided.length < BLOCK_BYTES) continue;
      decoder = await decide(undecided, decoded);
      bytes = undecided;
      undecided = new Uint8Array();
    }
    const text = decoder.decode(bytes, { stream: true });
    decoded.replaced ||= text.includes("\uFFFD");
    if (text) yield text;
  }
  if (!decoder && undecided.length > 0) {
    decoder = await decide(undecided, decoded);
  }
  const end = decoder ? decoder.decode(undecided) : "";
  decoded.replaced ||= end.includes("\uFFFD");
  if (end) yield end;
}

/**
 * @returns the encoding, or undefined if the first characters that are not ASCII decide
 * @throws DomainError `invalid_input` if the file is not CSV or contradicts the known encoding
 */
async function beginningOf(
  sample: Uint8Array,
  known: string | undefined,
): Promise<{ encoding: string | undefined; markBytes: number }> {
  const [marked, mark = []] = MARKS.find(([, mark]) => mark.every((byte, at) => sample[at] === byte)) ?? [];
  const found = marked ?? wideEncodingOf(sample);
  if (found === "utf-32")
    throw invalidField("file", "is UTF-32, which cannot be read. Save it as UTF-8 and send that file.");
  const isUtf16 = found === "utf-16le" || found === "utf-16be";
  if (known !== undefined && found !== null && found !== known) throw contradiction(known, found);
  if (!isUtf16) await refuseOtherFormats(sample);
  if (known?.startsWith("utf-16") && !isUtf16 && isAscii(sample)) throw contradiction(known, "utf-8");
  return { encoding: known ?? found ?? undefined, markBytes: mark.length };
}

function contradiction(known: string, found: string) {
  return invalidField("encoding", `is ${known}, but the file is ${found}. Leave it out, or send ${found}.`);
}

function decoderFor(encoding: string): InstanceType<typeof TextDecoder> {
  // The mark at the beginning is already removed. A later one is text.
  return new TextDecoder(encoding, { ignoreBOM: true });
}

const ESCAPE = 0x1b;

/** Returns the number of bytes before the first that is not ASCII, or begins a sequence of ISO-2022-JP. */
function asciiLength(bytes: Uint8Array): number {
  if (isAscii(bytes) && !bytes.includes(ESCAPE)) return bytes.length;
  return bytes.findIndex((byte) => byte > 0x7f || byte === ESCAPE);
}

/** @param bytes begin with a byte that is not ASCII */
async function decide(bytes: Uint8Array, decoded: Decoded): Promise<InstanceType<typeof TextDecoder>> {
  const sample = bytes.subarray(0, BLOCK_BYTES);
  const { encoding, confidence } = asUtf8(sample) ?? (await guessEncoding(sample));
  decoded.encoding = encoding;
  decoded.confidence = confidence;
  return decoderFor(encoding);
}

/** Returns null if most characters that are not ASCII are invalid in UTF-8, or if the sample has only escape sequences. */
function asUtf8(sample: Uint8Array): Guess | null {
  const isReplacement = (character: string) => character === "\uFFFD";
  const beyondAscii = [...decoderFor("utf-8").decode(sample, { stream: true })].filter((it) => it > "\x7f");
  // The file itself can have U+FFFD.
  const own = toLatin1(sample).split("\xef\xbf\xbd").length - 1;
  const invalid = beyondAscii.filter(isReplacement).length - own;
  if (invalid > beyondAscii.length - invalid || beyondAscii.length === 0) return null;
  return { encoding: "utf-8", confidence: 1 - invalid / beyondAscii.length };
}

async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let small: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of source) {
    small.push(bytes);
    length += bytes.length;
    if (length < CHUNK_BYTES) continue;
    yield small.length === 1 ? bytes : joinBytes(small);
    small = [];
    length = 0;
  }
  if (length > 0) yield joinBytes(small);
}
