/** Detects encodings in a thread of their own. In a browser, `#csv/run-detection` is `browser/run-detection.ts`. */
import pLimit from "p-limit";
import { runThread } from "../threads/run-thread.ts";
import type { Candidate } from "./detect-encodings.ts";

/** The models of the library take 65 MB, and a sample takes 50 ms: a thread keeps both out of the process. */
const LIMITS = { heapMb: 64, bytesMb: 160, seconds: 10, silentSeconds: 10 };
const inTurn = pLimit(1);

export async function runDetection(sample: Uint8Array): Promise<readonly Candidate[]> {
  const found = await inTurn(() =>
    runThread({
      script: new URL("./guess-thread.ts", import.meta.url),
      data: new Uint8Array(sample),
      host: {},
      signal: new AbortController().signal,
      limits: LIMITS,
    }),
  );
  return found as Candidate[];
}
