/** The part of a file that is read. */
export interface PreviewLimits {
  readonly rows: number;
  /** Cells are cut to this length. */
  readonly cellChars: number;
  /** No more rows are read after this many characters. */
  readonly chars: number;
}

/** The page of an import shows no more. */
export const PAGE_LIMITS: PreviewLimits = { rows: 200, cellChars: 300, chars: 2_000_000 };
