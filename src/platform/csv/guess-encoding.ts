/** Guesses the encoding of text that is not UTF-8 from a sample. */
import { toLatin1 } from "#csv/bytes";
import { runDetection } from "#csv/run-detection";
import { DomainError } from "../../errors.ts";

export interface Guess {
  readonly encoding: string;
  /** From 0 to 1. The statistics of a short text rarely reach 0.5, even if the guess is right. */
  readonly confidence: number;
}

/** The encoding of most old files. It decodes any bytes. */
const USUAL = "windows-1252";
/** Below this, the text has too few letters for statistics, and the usual encoding is the best guess. */
const MIN_CONFIDENCE = 0.06;
/** The usual encoding is preferred to one that fits hardly better. */
const ALIKE = 0.9;

const MULTI_BYTE = ["shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr"];
/** At least two neighbouring characters of an encoding with several bytes per character; `20°C` has none. */
const NEIGHBOURS = /[\x80-\xff]{3}/;

/** @param sample at most 64 KiB that begin with the first character that is not ASCII */
export async function guessEncoding(sample: Uint8Array): Promise<Guess> {
  const candidates = await runDetection(sample).catch((error) => {
    if (error instanceof DomainError) throw error;
    // A file with strange bytes, on which the library fails, is still a file.
    return [];
  });
  const hasNeighbours = NEIGHBOURS.test(toLatin1(sample));
  const possible = candidates.filter(({ encoding }) => hasNeighbours || !MULTI_BYTE.includes(encoding));
  const usual = possible.find(({ encoding }) => encoding === USUAL) ?? { encoding: USUAL, confidence: 0 };
  const [best = usual] = possible;
  const isClear = best.confidence >= MIN_CONFIDENCE && usual.confidence < best.confidence * ALIKE;
  return isClear ? best : usual;
}
