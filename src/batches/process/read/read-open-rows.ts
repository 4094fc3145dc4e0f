/** Reads the rows of a chunk that have no result, in slices that fit into the memory of a worker. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { ByteBudget } from "../../../platform/byte-budget.ts";

/** The cells of a slice, as JSON. A single row may be larger. Chunks of new batches are planned to fit. */
export const SLICE_BYTES = 4 * 2 ** 20;
/** The slices that a process holds at a time. Processing a slice takes up to ten times its size. */
const BUDGET_BYTES = 8 * 2 ** 20;

const budget = new ByteBudget(BUDGET_BYTES);

/** Waits until the process has the memory for a slice. */
export const takeMemory = (bytes: number): Promise<Disposable> => budget.take(bytes);

/** Whether a slice would not wait. */
export const hasMemory = (bytes: number): boolean => budget.has(bytes);

/** A row without a result. */
export interface OpenRow {
  readonly row: number;
  /** Reserved for the record. */
  readonly id?: number | undefined;
  readonly fields: string[];
  /** Why the row is not valid CSV; null if it is. */
  readonly problem: string | null;
}

export interface RowRange {
  readonly batchId: string;
  readonly firstRow: number;
  readonly lastRow: number;
  /** The size of the cells when the chunk was planned; null: unknown. */
  readonly bytes: number | null;
  /** The size of slices; absent: SLICE_BYTES. */
  readonly sliceBytes?: number;
  /** A condition on `batch_rows`; absent: all open rows. */
  readonly where?: SQL;
}

export interface Slice {
  /** The last row number that the slice covers. */
  readonly lastRow: number;
  readonly rows: OpenRow[];
}

/**
 * Yields slices in the order of the rows. The memory of a slice counts until the next one is asked for.
 * @param whenFull if the budget is used up after the first slice: `stop` yields no more, `exceed` continues. Waiting would
 * block other chunks, because the transaction holds locks on the records that it has written.
 */
export async function* openSlices(
  { db }: Pick<Context, "db">,
  range: RowRange,
  whenFull: "stop" | "exceed",
): AsyncGenerator<Slice> {
  const { sliceBytes = SLICE_BYTES } = range;
  if (range.bytes !== null && range.bytes <= sliceBytes) {
    using _ = await budget.take(range.bytes);
    yield { lastRow: range.lastRow, rows: await readRows(db, range) };
    return;
  }
  const { rows: sizes } = await db.execute<{ row: number; bytes: number }>(sql`
    SELECT row_number AS row, octet_length(fields::text) AS bytes FROM rowmill.batch_rows
    WHERE ${chosen(range)} ORDER BY row_number`);
  const parts = partsOf(sizes, sliceBytes);
  for (const [index, part] of parts.entries()) {
    using taken =
      index === 0
        ? await budget.take(part.bytes)
        : whenFull === "stop"
          ? budget.tryTake(part.bytes)
          : budget.exceed(part.bytes);
    if (!taken) return;
    const lastRow = index === parts.length - 1 ? range.lastRow : part.lastRow;
    yield { lastRow, rows: await readRows(db, { ...range, ...part }) };
  }
}

interface Part {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly bytes: number;
}

/** Groups rows, which are in order, into parts of at most `maxBytes`, or of one row. */
export function partsOf(
  sizes: readonly { readonly row: number; readonly bytes: number }[],
  maxBytes: number,
): Part[] {
  const parts: Part[] = [];
  for (const { row, bytes } of sizes) {
    const last = parts.at(-1);
    if (last && last.bytes + bytes <= maxBytes)
      parts[parts.length - 1] = { ...last, lastRow: row, bytes: last.bytes + bytes };
    else parts.push({ firstRow: row, lastRow: row, bytes });
  }
  return parts;
}

async function readRows(db: Context["db"], range: Omit<RowRange, "bytes">): Promise<OpenRow[]> {
  const { rows } = await db.execute<{ row: number; fields: string[]; problem: string | null }>(
    sql`SELECT row_number AS row, fields, problem FROM rowmill.batch_rows WHERE ${chosen(range)} ORDER BY row_number`,
  );
  return rows;
}

/** Gives all open rows that are valid CSV to `add`, in their order. They are read as one text, and nothing of them is kept. */
export async function readAll(
  { db }: Pick<Context, "db">,
  range: Omit<RowRange, "bytes">,
  add: (row: number, fields: string[]) => void,
): Promise<void> {
  const { rows } = await db.execute<{ numbers: string; cells: string }>(sql`
    SELECT coalesce(string_agg(row_number::text, ','), '') AS numbers, coalesce(string_agg(fields::text, ','), '') AS cells FROM (
      SELECT row_number, fields FROM rowmill.batch_rows WHERE ${chosen(range)} AND problem IS NULL ORDER BY row_number
    ) AS open`);
  const [read] = rows;
  if (!read) return;
  const numbers = JSON.parse(`[${read.numbers}]`) as number[];
  const cells = JSON.parse(`[${read.cells}]`) as string[][];
  for (const [index, row] of numbers.entries()) add(row, cells[index] ?? []);
}

const chosen = ({ where = sql`true`, ...range }: Omit<RowRange, "bytes">) =>
  sql`${isOpen(range)} AND ${where}`;

/** Whether a row has no result. The subquery repeats the range, which the planner does not infer. */
export function isOpen({ batchId, firstRow, lastRow }: Omit<RowRange, "bytes">): SQL {
  return sql`batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow} AND row_number NOT IN (
    SELECT row_number FROM rowmill.row_results WHERE batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow}
  )`;
}
