/** A file that a task reads piece by piece, from the database or from FILES_ROOT. */
export interface ReadableFile {
  readonly name: string;
  readonly bytes: number;
  /** Detected from the content; the name may be wrong. */
  readonly mediaType: string;
  /** Returns the bytes from `start` to `end` (exclusive). @throws RangeError if they are outside the file */
  read(start: number, end: number): Promise<Buffer>;
  /** Yields the whole file in pieces of about 1 MiB. */
  chunks(): AsyncIterable<Buffer>;
}
