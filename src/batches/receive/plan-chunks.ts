/** Cuts the rows of a file into chunks, once it is known how many there are. */

export interface ChunkPlan {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly rowCount: number;
}

/** So that small files give first results at once and spread over workers. */
const CHUNKS_OF_A_SMALL_FILE = 40;
const MIN_CHUNK_ROWS = 25;
/** Above this a chunk's transaction only gets longer, not cheaper a row (measured: 2,500 to 5,000 are alike). */
const MAX_CHUNK_ROWS = 4000;

const MAX_MARKS = 4096;

/**
 * Remembers where in the file every so-many-th row is. Row numbers have gaps where a file has blank lines, so a
 * chunk's range can't be computed from a count. Little memory does: past 4096 marks every other one is dropped,
 * as long as two still fit into a chunk.
 */
export class RowMarks {
  #stride: number;
  #marks: number[] = [];
  #count = 0;
  #lastRow = 0;

  /** @param minChunkRows of the smallest chunk that may be wanted of a file that is not large */
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

  /** @param maxRows for chunks that should be smaller than usual; the marks bound how much */
  plan(maxRows = MAX_CHUNK_ROWS): ChunkPlan[] {
    const smallest = Math.max(MIN_CHUNK_ROWS, Math.ceil(this.#count / CHUNKS_OF_A_SMALL_FILE));
    const wanted = Math.min(maxRows, MAX_CHUNK_ROWS, smallest);
    const marksPerChunk = Math.max(1, Math.round(wanted / this.#stride));
    const rowsPerChunk = marksPerChunk * this.#stride;
    const plan: ChunkPlan[] = [];
    for (let mark = 0, taken = 0; taken < this.#count; mark += marksPerChunk, taken += rowsPerChunk) {
      const next = this.#marks[mark + marksPerChunk];
      plan.push({
        firstRow: this.#marks[mark] ?? 0,
        lastRow: next === undefined ? this.#lastRow : next - 1,
        rowCount: Math.min(rowsPerChunk, this.#count - taken),
      });
    }
    return plan;
  }
}
