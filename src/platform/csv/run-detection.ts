/** Detects encodings in a thread of their own. In a browser, `#csv/run-detection` is `browser/run-detection.ts`. */
import pLimit from "p-limit";
import { DomainError } from "../../errors.ts";
import { runThread, ThreadEnded } from "../threads/run-thread.ts";
import type { Candidate } from "./detect-encodings.ts";

/** The models of the library take 65 MB, and a sample takes 50 ms: a thread keeps both out of the process. */
const LIMITS = { heapMb: 64, bytesMb: 160, seconds: 60, silentSeconds: 60 };
const inTurn = pLimit(1);
const TOO_BUSY =
  "The server is too busy to detect the encoding of this file. Send it again later, or with the option encoding.";
const RETRY_SECONDS = 30;

/** @throws DomainError `unavailable` if the machine is too busy for it: a wrong guess would store wrong text */
export async function runDetection(sample: Uint8Array, limits = LIMITS): Promise<readonly Candidate[]> {
  const found = await inTurn(() =>
    runThread({
      script: new URL("./guess-thread.ts", import.meta.url),
      data: new Uint8Array(sample),
      host: {},
      signal: new AbortController().signal,
      limits,
    }),
  ).catch((error) => {
    if (error instanceof ThreadEnded && error.why === "out_of_time")
      throw new DomainError("unavailable", TOO_BUSY, { retryAfterSeconds: RETRY_SECONDS });
    throw error;
  });
  return found as Candidate[];
}
