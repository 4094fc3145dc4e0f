/** Guesses the encoding of text that is not UTF-8 from a sample. */
import pLimit from "p-limit";
import { runThread } from "../threads/run-thread.ts";
import type { Candidate } from "./guess-thread.ts";

export interface Guess {
  readonly encoding: string;
  /** From 0 to 1. The statistics of a short text rarely reach 0.5, even if the guess is right. */
  readonly confidence: number;
}

/** The models of the library take 65 MB, and a sample takes 50 ms: a thread keeps both out of the process. */
const LIMITS = { heapMb: 64, bytesMb: 160, seconds: 10, silentSeconds: 10 };
const inTurn = pLimit(1);

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
export async function guessEncoding(sample: Buffer): Promise<Guess> {
  const candidates = await inTurn(() => candidatesFor(sample));
  const hasNeighbours = NEIGHBOURS.test(sample.toString("latin1"));
  const possible = candidates.filter(({ encoding }) => hasNeighbours || !MULTI_BYTE.includes(encoding));
  const usual = possible.find(({ encoding }) => encoding === USUAL) ?? { encoding: USUAL, confidence: 0 };
  const [best = usual] = possible;
  const isClear = best.confidence >= MIN_CONFIDENCE && usual.confidence < best.confidence * ALIKE;
  return isClear ? best : usual;
}

/** The most probable first. None if the library fails on the sample: a file with strange bytes is still a file. */
async function candidatesFor(sample: Buffer): Promise<readonly Candidate[]> {
  try {
    const found = await runThread({
      script: new URL("./guess-thread.ts", import.meta.url),
      data: new Uint8Array(sample),
      host: {},
      signal: new AbortController().signal,
      limits: LIMITS,
    });
    return found as Candidate[];
  } catch {
    return [];
  }
}
