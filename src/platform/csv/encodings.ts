/** The encodings of text files that Node.js can decode. */

/** The names of the WHATWG Encoding Standard. `labelled` also accepts its labels, such as `latin1` and `cp1251`. */
export const ENCODINGS: readonly string[] = [
  ...["utf-8", "utf-16le", "utf-16be"],
  ...["windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254"],
  ...["windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874"],
  ...["iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8"],
  ...["iso-8859-8-i", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16"],
  ...["koi8-r", "koi8-u", "ibm866", "macintosh", "x-mac-cyrillic"],
  ...["shift_jis", "euc-jp", "iso-2022-jp", "gbk", "gb18030", "big5", "euc-kr"],
];

/** @returns the name of the encoding that the label stands for, or null if Node.js cannot decode it */
export function encodingOf(label: string): string | null {
  try {
    const { encoding } = new TextDecoder(label);
    return ENCODINGS.includes(encoding) ? encoding : null;
  } catch {
    return null;
  }
}

export type WideEncoding = "utf-16le" | "utf-16be" | "utf-32";

/** The most units of a sample that `wideEncodingOf` looks at. */
const UNITS = 4096;
/** The share of units with a zero byte: nearly all of ASCII text, and the delimiters and line ends of any other. */
const ASCII_SHARE = 0.4;
const OTHER_SHARE = 0.05;
/** Fewer zero bytes may be characters of a cell. */
const MIN_ZEROS = 8;

/**
 * Recognizes text of two or four bytes per character by its zero bytes, which other text does not have in such an order.
 * @param sample the beginning of the file
 */
export function wideEncodingOf(sample: Uint8Array): WideEncoding | null {
  const zeros = [0, 0, 0, 0];
  const length = Math.min(sample.length - (sample.length % 4), UNITS * 4);
  let beyondText = 0;
  for (let at = 0; at < length; at++) {
    const byte = sample[at] ?? 0;
    if (byte === 0) zeros[at % 4] = (zeros[at % 4] ?? 0) + 1;
    else if (byte > 0x7e || (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)) beyondText++;
  }
  const units = length / 4;
  const [a = 0, b = 0, c = 0, d = 0] = zeros;
  if (units === 0 || a + b + c + d === length) return null;
  const isUtf32 = (d === units && c > units / 2 && a < units) || (a === units && b > units / 2 && d < units);
  if (isUtf32) return "utf-32";
  const least = Math.max(MIN_ZEROS, (beyondText > 0 ? OTHER_SHARE : ASCII_SHARE) * units * 2);
  const [even, odd] = [a + c, b + d];
  if (odd >= least && even <= odd / 10) return "utf-16le";
  if (even >= least && odd <= even / 10) return "utf-16be";
  return null;
}
