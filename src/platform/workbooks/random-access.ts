/** A file that can be read from any position. The directory of a workbook is at its end. */
export interface RandomAccess {
  readonly bytes: number;
  /** Returns the bytes from `start` to `end` (exclusive), which are within the file. */
  read(start: number, end: number): Promise<Uint8Array>;
}
