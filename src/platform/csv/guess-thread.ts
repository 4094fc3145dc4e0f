/** Runs in a thread. */
import { serveThread } from "../threads/inside.ts";
import { detectEncodings } from "./detect-encodings.ts";

serveThread<Record<string, never>, Uint8Array>(async (sample) => detectEncodings(sample));
