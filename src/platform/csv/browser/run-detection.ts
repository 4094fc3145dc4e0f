/** Detects encodings, as in `../run-detection.ts`. The models take 600 kB: most files need none. */
import type { Candidate } from "../detect-encodings.ts";

/** Blocks its thread for about 50 ms. Call it in a web worker. */
export async function runDetection(sample: Uint8Array): Promise<readonly Candidate[]> {
  const { detectEncodings } = await import("../detect-encodings.ts");
  return detectEncodings(sample);
}
