/** Divides the rows of a file into chunks after the whole file was read. */

export interface ChunkPlan {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly rowCount: number;
  /** The size of the cells as JSON. */
  readonly bytes: number;
}

/** The rows of a chunk. */
interface ChunkRows {
  readonly min?: number;
  readonly max?: number;
}

/** A small file has about this many chunks, so that its first results come soon and several workers share it. */
const CHUNKS_OF_A_SMALL_FILE = 40;
/** For rows that take long. */
export const MIN_CHUNK_ROWS = 25;
/** A chunk costs about as much as 800 of its rows. Larger chunks are a little cheaper per row, but their first results come later. */
export const MAX_CHUNK_ROWS = 5000;
/** For rows that the database writes together. Only files of more than 200,000 rows have such chunks. */
export const MAX_PLAIN_CHUNK_ROWS = 10_000;

/** A chunk fits into the memory of a worker: more bytes make more chunks, of one row at least. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;
/** For chunks of more than 5,000 rows. PostgreSQL sorts their cells, and 10,000 rows of this size fit into its memory (`work_mem`). */
const MAX_LARGE_CHUNK_BYTES = 2 * 2 ** 20;
/** A mark covers at most this many bytes, or one row. */
const MAX_MARK_BYTES = MAX_CHUNK_BYTES / 4;
const MAX_MARKS = 4096;

/** Consecutive rows. Blank lines leave gaps in the row numbers, so the rows of a chunk cannot be computed from a count. */
interface Mark {
  readonly firstRow: number;
  rows: number;
  bytes: number;
}

/**
 * Remembers where every n rows begin. Memory stays small: beyond 4096 marks, neighbours are joined and n doubles, as long
 * as a chunk still has at least two marks. Marks that are full of bytes stay, one per MiB of the file at most.
 */
export class RowMarks {
  readonly #chunkRows: { readonly min: number; readonly max: number };
  #stride: number;
  #marks: Mark[] = [];
  #maxMarks = MAX_MARKS;
  #count = 0;
  #lastRow = 0;

  constructor({ min = MIN_CHUNK_ROWS, max = MAX_CHUNK_ROWS }: ChunkRows = {}) {
    this.#chunkRows = { min: Math.min(min, max), max };
    this.#stride = Math.min(MIN_CHUNK_ROWS, this.#chunkRows.min);
  }

  get count(): number {
    return this.#count;
  }

  /** @param bytes the size of the cells as JSON */
  add(row: number, bytes: number): void {
    const last = this.#marks.at(-1);
    if (last && last.rows < this.#stride && last.bytes + bytes <= MAX_MARK_BYTES) {
      last.rows++;
      last.bytes += bytes;
    } else {
      if (
        this.#marks.length >= this.#maxMarks &&
        this.#stride * 2 <= Math.max(MAX_CHUNK_ROWS, this.#chunkRows.max)
      )
        this.#join();
      this.#marks.push({ firstRow: row, rows: 1, bytes });
    }
    this.#count++;
    this.#lastRow = row;
  }

  #join(): void {
    this.#stride *= 2;
    const joined: Mark[] = [];
    for (const mark of this.#marks) {
      const last = joined.at(-1);
      if (last && last.rows + mark.rows <= this.#stride && last.bytes + mark.bytes <= MAX_MARK_BYTES) {
        last.rows += mark.rows;
        last.bytes += mark.bytes;
      } else joined.push(mark);
    }
    this.#marks = joined;
    // Most marks were full of bytes, so joining again soon would not help.
    this.#maxMarks = Math.max(MAX_MARKS, joined.length * 2);
  }

  plan(): ChunkPlan[] {
    const { min, max } = this.#chunkRows;
    const share = Math.round(Math.ceil(this.#count / CHUNKS_OF_A_SMALL_FILE) / this.#stride);
    const least = Math.ceil(min / this.#stride);
    const most = Math.floor(max / this.#stride);
    const rowsPerChunk = Math.max(1, Math.min(most, Math.max(least, share))) * this.#stride;
    const plan: { firstRow: number; lastRow: number; rowCount: number; bytes: number }[] = [];
    for (const { firstRow, rows, bytes } of this.#marks) {
      const last = plan.at(-1);
      const rowCount = (last?.rowCount ?? 0) + rows;
      const maxBytes = rowCount > MAX_CHUNK_ROWS ? MAX_LARGE_CHUNK_BYTES : MAX_CHUNK_BYTES;
      if (last && rowCount <= rowsPerChunk && last.bytes + bytes <= maxBytes) {
        last.rowCount = rowCount;
        last.bytes += bytes;
      } else {
        if (last) last.lastRow = firstRow - 1;
        plan.push({ firstRow, lastRow: this.#lastRow, rowCount: rows, bytes });
      }
    }
    return plan;
  }
}
