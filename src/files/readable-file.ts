/** A file to work on, wherever it lies. Nothing of it is in memory but what was asked for. */
export interface ReadableFile {
  readonly name: string;
  readonly bytes: number;
  /** By content; what is called a picture may be none. */
  readonly mediaType: string;
  /** From `start` up to and without `end`, both within `bytes`. */
  read(start: number, end: number): Promise<Buffer>;
  /** All of it, in pieces of about a mebibyte. */
  chunks(): AsyncIterable<Buffer>;
}
