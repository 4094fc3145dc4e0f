/** Divides the rows of a file into chunks after the whole file was read. */

export interface ChunkPlan {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly rowCount: number;
}

/** A small file has about this many chunks, so that its first results come soon and several workers share it. */
const CHUNKS_OF_A_SMALL_FILE = 40;
const MIN_CHUNK_ROWS = 25;
/** Larger chunks make transactions longer, but not cheaper per row (measured: 2,500 to 5,000 rows cost the same). */
const MAX_CHUNK_ROWS = 4000;

const MAX_MARKS = 4096;

/**
 * Remembers the row number of every n-th row. Blank lines leave gaps in the row numbers, so the range of a chunk cannot
 * be computed from a count. Memory stays small: beyond 4096 marks every other mark is dropped and n doubles, as long as
 * a chunk still has at least two marks.
 */
export class RowMarks {
  #stride: number;
  #marks: number[] = [];
  #count = 0;
  #lastRow = 0;

  /** @param minChunkRows the size of the smallest chunk that `plan` may have to make */
  constructor(minChunkRows = MIN_CHUNK_ROWS) {
    this.#stride = Math.min(MIN_CHUNK_ROWS, minChunkRows);
  }

  get count(): number {
    return this.#count;
  }

  add(row: number): void {
    if (this.#count % this.#stride === 0) {
      if (this.#marks.length >= MAX_MARKS && this.#stride * 2 <= MAX_CHUNK_ROWS) {
        this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
        this.#stride *= 2;
      }
      this.#marks.push(row);
    }
    this.#count++;
    this.#lastRow = row;
  }

  /** @param maxRows for smaller chunks than usual; the distance of the marks is the lower limit */
  plan(maxRows = MAX_CHUNK_ROWS): ChunkPlan[] {
    const share = Math.max(MIN_CHUNK_ROWS, Math.ceil(this.#count / CHUNKS_OF_A_SMALL_FILE));
    const wanted = Math.min(maxRows, MAX_CHUNK_ROWS, share);
    const marksPerChunk = Math.max(1, Math.round(wanted / this.#stride));
    const rowsPerChunk = marksPerChunk * this.#stride;
    const plan: ChunkPlan[] = [];
    for (let mark = 0, planned = 0; planned < this.#count; mark += marksPerChunk, planned += rowsPerChunk) {
      const next = this.#marks[mark + marksPerChunk];
      plan.push({
        firstRow: this.#marks[mark] ?? 0,
        lastRow: next === undefined ? this.#lastRow : next - 1,
        rowCount: Math.min(rowsPerChunk, this.#count - planned),
      });
    }
    return plan;
  }
}
