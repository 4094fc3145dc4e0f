/** Compares a sample with the languages and encodings that jschardet knows. */
import { detectAll } from "jschardet";
import { encodingOf } from "./encodings.ts";

export interface Candidate {
  readonly encoding: string;
  readonly confidence: number;
}

/** The names of jschardet that are no labels of the Encoding Standard. */
const LABELS: Readonly<Record<string, string>> = {
  MacRoman: "macintosh",
  MacCyrillic: "x-mac-cyrillic",
  CP932: "shift_jis",
  CP949: "euc-kr",
  CP874: "windows-874",
};

/** Only encodings that can be decoded, in the spelling of jschardet. */
const CANDIDATES = [
  ...["windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255"],
  ...["windows-1256", "windows-1257", "windows-1258", "cp874", "macroman", "maccyrillic"],
  ...["iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8"],
  ...["iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-16", "koi8-r", "koi8-u", "ibm866"],
  ...["shift_jis", "cp932", "euc-jp", "iso-2022-jp", "gb18030", "big5", "euc-kr", "cp949"],
];

/** @returns the most probable first */
export function detectEncodings(sample: Uint8Array): Candidate[] {
  const found = detectAll(sample, { detectEncodings: CANDIDATES, minimumThreshold: 0 });
  return found.flatMap(({ encoding: name, confidence }) => {
    const encoding = name === null ? null : encodingOf(LABELS[name] ?? name);
    return encoding === null ? [] : [{ encoding, confidence }];
  });
}
