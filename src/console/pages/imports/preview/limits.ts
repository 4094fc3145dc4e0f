import type { PreviewLimits } from "./read-preview.ts";

/** The page of an import shows no more. */
export const PAGE_LIMITS: PreviewLimits = { rows: 200, cellChars: 300, chars: 2_000_000 };
