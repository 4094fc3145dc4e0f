/** Recognizes files that are not CSV, so that the refusal can say what they are and what to do. */
import { fileTypeFromBuffer } from "file-type";
import { isUtf8, toLatin1 } from "#csv/bytes";
import { invalidField } from "../../errors.ts";

/** The advice for workbooks. */
export const SAVE_AS_CSV = "Open it, save it as CSV (UTF-8), and send that file.";
const UNPACK = "Unpack it and send the CSV file that is in it.";
const EXPORT = "Export the data as CSV and send that file.";

/** Descriptions and advice for media types. The first that matches counts. */
const FORMATS: readonly (readonly [types: RegExp, what: string, advice: string])[] = [
  [/spreadsheetml|ms-excel/, "an Excel workbook", SAVE_AS_CSV],
  [/opendocument\.spreadsheet/, "an OpenDocument spreadsheet", SAVE_AS_CSV],
  [/x-cfb/, "an old Excel workbook or another Office file", SAVE_AS_CSV],
  [/wordprocessingml|opendocument\.text|rtf/, "a text document", EXPORT],
  [/pdf/, "a PDF", EXPORT],
  [/html/, "an HTML page", EXPORT],
  [/json/, "JSON", EXPORT],
  [/xml/, "XML", EXPORT],
  [
    /^application\/zip$/,
    "an Excel workbook or another ZIP archive",
    "Open a workbook and save it as CSV (UTF-8), or unpack the archive, and send the CSV file.",
  ],
  [/gzip/, "a gzip file within a gzip file", UNPACK],
  [/zip|compress|tar|x-xz|zstd|lz/, "an archive", UNPACK],
  [/^image\//, "a picture", EXPORT],
  [/^(audio|video)\//, "an audio or video file", EXPORT],
];

/** Formats that are text themselves. Text that begins like any other format, such as `BM,id`, is only text. */
const TEXT_FORMATS = /pdf|html|json|xml|rtf|postscript/;
const TEXT_STARTS: readonly (readonly [type: string, start: RegExp])[] = [
  [
    "text/html",
    /^\s*(?:<!--(?:(?!-->)[\s\S])*-->\s*)*<(?:!doctype html|html|head|body|table|script|style|meta)\b/i,
  ],
  ["application/json", /^\s*(\[\s*)*\{\s*("(?:[^"\\\r\n]|\\.)*"\s*:|\}\s*$)/],
  ["application/json", /^\s*\[\s*(\[|"(?:[^"\\\r\n]|\\.)*"\s*[,\]])/],
];

/** The control characters of text: TAB, LF, VT, FF, CR, Ctrl-Z and ESC. */
const TEXT_CONTROLS: readonly number[] = [9, 10, 11, 12, 13, 26, 27];
/** Compressed or encrypted data has all bytes equally often. Text in an old encoding has many of the second kind only. */
const MIN_CONTROLS = 0.03;
const MIN_BEYOND_ASCII = 0.3;
const MIN_BINARY_BYTES = 1024;

/**
 * @param sample the beginning of the file, which is not in UTF-16
 * @throws DomainError `invalid_input` that says what the file is
 */
export async function refuseOtherFormats(sample: Uint8Array): Promise<void> {
  const text = toLatin1(sample);
  const controls = sample.filter((byte) => byte < 32 && !TEXT_CONTROLS.includes(byte));
  const type =
    (await fileTypeFromBuffer(sample).catch(() => undefined))?.mime ??
    TEXT_STARTS.find(([, start]) => start.test(text))?.[0];
  if (type !== undefined && (controls.length > 0 || TEXT_FORMATS.test(type))) {
    const [what, advice] = describe(type);
    throw invalidField("file", `is ${what}, not CSV. ${advice}`);
  }
  if (isBinary(sample, controls.length)) throw invalidField("file", `is binary data, not CSV. ${EXPORT}`);
}

function isBinary(sample: Uint8Array, controls: number): boolean {
  if (sample.length < MIN_BINARY_BYTES || isUtf8(sample)) return false;
  const beyondAscii = sample.filter((byte) => byte > 127).length;
  return controls > sample.length * MIN_CONTROLS && beyondAscii > sample.length * MIN_BEYOND_ASCII;
}

function describe(type: string): readonly [what: string, advice: string] {
  const known = FORMATS.find(([types]) => types.test(type));
  return known ? [known[1], known[2]] : [`a file of type ${type}`, EXPORT];
}
